/**
 * Log in with an account elsewhere, the browser's part: leaving with a secret, and knowing on return that it is the same
 * browser.
 *
 *     leave ─► (the person is elsewhere) ─► arrival.js reads the return ─► judge ─► exchange ─► a session, or a ticket
 *
 * The page makes a verifier, tells the API only its hash (RFC 7636 §4.2, S256) and keeps both it and the state in this
 * tab's storage.  A return that somebody else began fails here at the state, and at the API at the verifier: nobody is
 * logged in as another by a link (RFC 9700 §4.7, §2.1).
 *
 * This file knows the flow; it does not know how it is shown.
 */

const FLOW = "dada.flow";
const TICKET = "dada.ticket";

/** @typedef {"login"|"bind"} Purpose  to log in, or to bind the account elsewhere to the one that is logged in */
/** @typedef {{provider: string, state: string, verifier: string, purpose: Purpose}} Flow */
/**
 * @typedef {{provider: string, ticket: string, verifier: string, purpose: Purpose, until: number, name: string,
 *   avatar: string, returnTo: string}} Ticket
 */
/** @typedef {{code: string, state: string, error: string, twice: boolean}} Returned */

/** Where the API lets itself be asked to lead back to; elsewhere one begins at one's account. */
const LEADS_BACK = new Set(["/", "/account", "/addresses", "/addresses/new", "/sessions", "/events", "/password"]);

/** Return a provider's path at the API: Weibo was there first. */
export function at(provider, rest) {
  return `/v1/users/${provider === "weibo" ? "weibo" : `oauth/${provider}`}${rest}`;
}

/** Return the provider that sends the browser to this page: each has a page of its own (RFC 9700 §4.4). */
export function providerOf(path) {
  return /^\/callback\/([a-z][a-z0-9-]*)\.html$/.exec(path)?.[1] ?? "";
}

/** Return a provider's name for people. */
export function nameOf(app, provider) {
  return provider === "weibo" ? app.language.t("provider.weibo") : provider.charAt(0).toUpperCase() + provider.slice(1);
}

/** Return base64url without padding (RFC 7636 appendix A). */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Return a secret of 256 random bits (RFC 7636 §4.1). */
export function newVerifier() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Return the S256 challenge of a verifier (RFC 7636 §4.2). */
export async function challengeOf(verifier) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(hash));
}

/**
 * Begin a flow, and return the address at the provider to go to.
 * @param {import("./api.js").Api} api
 * @param {Storage} store
 * @param {string} provider
 * @param {{purpose?: Purpose, returnTo?: string}} what  returnTo: a path of this page
 */
export async function leave(api, store, provider, { purpose = "login", returnTo = "" } = {}) {
  // Only secure contexts can hash (https, and this machine); elsewhere the API makes the secret.
  const verifier = crypto.subtle ? newVerifier() : "";
  const query = {
    ...(verifier ? { code_challenge: await challengeOf(verifier), code_challenge_method: "S256" } : {}),
    ...(purpose === "bind" ? { purpose } : {}),
    ...(LEADS_BACK.has(returnTo) ? { return_to: returnTo } : {}),
  };
  const as = purpose === "bind" ? "session" : "none";
  const { body } = await api.call("GET", at(provider, "/authorization"), { query, as });
  store.setItem(FLOW, JSON.stringify({ provider, state: body.state, verifier: verifier || body.flow_secret, purpose }));
  return body.authorization_url;
}

/** Return the flow that this tab began, and forget it: a return is good once. @returns {Flow|null} */
export function takeFlow(store) {
  const kept = store.getItem(FLOW);
  store.removeItem(FLOW);
  return kept && JSON.parse(kept);
}

/**
 * Return what a provider's redirect says; a parameter must not stand there twice (RFC 6749 §3.1).
 * @returns {Returned}
 */
export function readReturn(search) {
  const params = new URLSearchParams(search);
  const names = ["code", "state", "error"];
  const [code, state, error] = names.map((name) => params.get(name) ?? "");
  return { code, state, error, twice: names.some((name) => params.getAll(name).length > 1) };
}

/**
 * Return what to think of a return, before anybody is told of it:
 *
 *     ok            it may go to the API
 *     nothing       there is no return here at all
 *     twice         a parameter stands there twice
 *     no-flow       this tab did not begin, or is back already
 *     no-state      there is no state; that never skips the comparison (RFC 9700 §4.7)
 *     other-state   the state is not the one that this tab left with, or not for this provider
 *
 * @param {Returned} returned
 * @param {Flow|null} flow
 * @param {string} provider
 */
export function judge(returned, flow, provider) {
  if (!returned.code && !returned.state && !returned.error) return "nothing";
  if (returned.twice) return "twice";
  if (!flow) return "no-flow";
  if (!returned.state) return "no-state";
  return returned.state === flow.state && provider === flow.provider ? "ok" : "other-state";
}

/**
 * Hand a return over to the API, in a body, and return its answer: a grant, or a ticket for binding, which is kept.
 * @param {import("./api.js").Api} api
 * @param {Storage} store
 * @param {Returned} returned
 * @param {Flow} flow
 */
export async function exchange(api, store, { code, state, error }, { provider, verifier, purpose }) {
  const body = { state, verifier, ...(error ? { error } : { code }), ...(purpose === "bind" ? { purpose } : {}) };
  const as = purpose === "bind" ? "session" : "none";
  const { body: told } = await api.call("POST", at(provider, "/users"), { body, as });
  if (told.status === "unbound") {
    const { screen_name: name, avatar } = told[provider];
    const until = Date.now() + told.expires_in * 1000;
    const kept = { provider, ticket: told.ticket, verifier, purpose, until, name, avatar };
    store.setItem(TICKET, JSON.stringify({ ...kept, returnTo: told.return_to ?? "" }));
  }
  return told;
}

/** Return the ticket that this tab holds; null if there is none, or its time is over. @returns {Ticket|null} */
export function ticketOf(store, now = Date.now()) {
  const ticket = JSON.parse(store.getItem(TICKET) ?? "null");
  return ticket && now < ticket.until ? ticket : null;
}

/** Forget the ticket: it was used, or is no good. */
export function dropTicket(store) {
  store.removeItem(TICKET);
}
