/**
 * Log in with Weibo, the browser's part: leaving with a secret, and knowing on return that it is the same browser.
 *
 *     leave ─► (the person is at Weibo) ─► arrival.js reads the return ─► judge ─► exchange ─► a session, or a ticket
 *
 * The page makes a verifier, tells the API only its hash (RFC 7636 §4.2, S256) and keeps both it and the state in this
 * tab's storage.  A return that somebody else began fails here at the state, and at the API at the verifier: nobody is
 * logged in as another by a link (RFC 9700 §4.7, §2.1).
 *
 * This file knows the flow; it does not know how it is shown.
 */

const FLOW = "dada.weibo";
const TICKET = "dada.ticket";

/** @typedef {{state: string, verifier: string}} Flow */
/** @typedef {{ticket: string, verifier: string, until: number, name: string, avatar: string}} Ticket */
/** @typedef {{code: string, state: string, error: string, twice: boolean}} Returned */

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
 * Begin a flow, and return the address at Weibo to go to.
 * @param {import("./api.js").Api} api
 * @param {Storage} store
 */
export async function leave(api, store) {
  // Only secure contexts can hash (https, and this machine); elsewhere the API makes the secret.
  const verifier = crypto.subtle ? newVerifier() : "";
  const query = verifier ? { code_challenge: await challengeOf(verifier), code_challenge_method: "S256" } : {};
  const { body } = await api.call("GET", "/v1/users/weibo/authorization", { query, as: "none" });
  store.setItem(FLOW, JSON.stringify({ state: body.state, verifier: verifier || body.verifier }));
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
 *     other-state   the state is not the one that this tab left with
 *
 * @param {Returned} returned
 * @param {Flow|null} flow
 */
export function judge(returned, flow) {
  if (!returned.code && !returned.state && !returned.error) return "nothing";
  if (returned.twice) return "twice";
  if (!flow) return "no-flow";
  if (!returned.state) return "no-state";
  return returned.state === flow.state ? "ok" : "other-state";
}

/**
 * Hand a return over to the API, in a body, and return its answer: a grant, or a ticket for binding, which is kept.
 * @param {import("./api.js").Api} api
 * @param {Storage} store
 * @param {Returned} returned
 * @param {Flow} flow
 */
export async function exchange(api, store, { code, state, error }, { verifier }) {
  const body = { state, verifier, ...(error ? { error } : { code }) };
  const { body: told } = await api.call("POST", "/v1/users/weibo/users", { body, as: "none" });
  if (told.status === "unbound") {
    const { screen_name: name, avatar } = told.weibo;
    const until = Date.now() + told.expires_in * 1000;
    store.setItem(TICKET, JSON.stringify({ ticket: told.ticket, verifier, until, name, avatar }));
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
