/**
 * The return from a provider, read out of the address and wiped from it, before anything else on the page runs.
 *
 * A code in the address would stay in the browser's history, and travel on in whatever quotes it (RFC 9700 §4.2.4).  So
 * this file comes first and imports nothing: the rest of the page may take its time.
 *
 * This file knows the address; what the return means is for oauth.js.
 */

/** The query with which the provider sent the browser here. */
export const search = location.search;

if (search) history.replaceState(null, "", location.pathname);
