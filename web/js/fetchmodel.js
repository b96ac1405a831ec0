/**
 * What a browser asks before it sends (Fetch §4.1, §4.8, §4.9): scripts never see a preflight, but its rules are
 * public.
 *
 * `question` says whether a call must be asked for, why, and in which words; `Permissions` is what the browser
 * remembers of the answers.  The whole of the rules is in dada/fetch.py, where a test drives a real browser against
 * them; here they only tell what has been sent.
 *
 * This file knows Fetch's rules; it sends nothing.
 */

const SAFE_METHODS = new Set(["GET", "HEAD", "POST"]);
const UPPERCASED = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]); // not PATCH: case counts there
const SIMPLE_TYPES = new Set(["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]);
const UNSAFE_BYTE = /[\x00-\x08\x0a-\x1f"():<>?@[\\\]{}\x7f]/;
const NO_LANGUAGE = /[^0-9A-Za-z *,.;=-]/;

/** @typedef {{method: string, url: string, headers: [string, string][]}} Call  the headers that the page sets */
/** @typedef {{kind: "method"|"header", name: string, value: string}} Reason */
/** @typedef {{reasons: Reason[], method: string, names: string[]}} Question */

/** Whether a page may send this header without asking (Fetch §2.2.2, CORS-safelisted request-header). */
export function isSafelisted(name, value) {
  if (value.length > 128) return false;
  switch (name.toLowerCase()) {
    case "accept":
      return !UNSAFE_BYTE.test(value);
    case "accept-language":
    case "content-language":
      return !NO_LANGUAGE.test(value);
    case "content-type":
      return !UNSAFE_BYTE.test(value) && SIMPLE_TYPES.has(value.split(";")[0].trim().toLowerCase());
    default:
      return false; // Range has a rule of its own; this page never sends it
  }
}

/** Return the names that must be asked for, lower-case and sorted (Fetch §2.2.2, CORS-unsafe request-header names). */
export function unsafeNames(headers) {
  const unsafe = new Set();
  const safe = new Set();
  let size = 0;
  for (const [name, value] of headers) {
    if (!isSafelisted(name, value)) unsafe.add(name.toLowerCase());
    else {
      safe.add(name.toLowerCase());
      size += value.length;
    }
  }
  if (size > 1024) safe.forEach((name) => unsafe.add(name));
  return [...unsafe].sort();
}

/**
 * Return what must be asked before *call*; null if it may go out unasked.
 * @param {Call} call
 * @param {string} origin  the page's
 * @returns {Question|null}
 */
export function question(call, origin) {
  if (new URL(call.url).origin === origin) return null; // nobody is asked at home
  const upper = call.method.toUpperCase();
  const method = UPPERCASED.has(upper) ? upper : call.method;
  const names = unsafeNames(call.headers);
  /** @type {Reason[]} */
  const reasons = SAFE_METHODS.has(method) ? [] : [{ kind: "method", name: method, value: "" }];
  for (const name of names) {
    const [, value = ""] = call.headers.find(([other]) => other.toLowerCase() === name) ?? [];
    reasons.push({ kind: "header", name, value });
  }
  return reasons.length ? { reasons, method, names } : null;
}

/** Return the two headers of the question, as the browser writes them. @returns {[string, string][]} */
export function questionHeaders({ method, names }) {
  /** @type {[string, string][]} */
  const headers = [["Access-Control-Request-Method", method]];
  if (names.length) headers.push(["Access-Control-Request-Headers", names.join(",")]);
  return headers;
}

/**
 * Return what the answer must have said, if the request went out after it (Fetch §4.8).
 * @returns {[string, string][]}
 */
export function leastAnswer({ method, names }, origin) {
  /** @type {[string, string][]} */
  const headers = [["Access-Control-Allow-Origin", origin]];
  if (!SAFE_METHODS.has(method)) headers.push(["Access-Control-Allow-Methods", method]);
  if (names.length) headers.push(["Access-Control-Allow-Headers", names.join(", ")]);
  return headers;
}

/** @typedef {{what: string, until: number}} Permission  "PATCH", or "header content-type" */

/**
 * What the browser remembers of the answers, by URL (Fetch §4.9).
 *
 * Nobody tells a page for how long: Access-Control-Max-Age stands in an answer that it cannot see.  So that must be
 * said.
 */
export class Permissions {
  #seconds;
  #replaces;
  /** @type {Map<string, Permission[]>} */
  #kept;

  /**
   * @param {number} seconds  the API's Access-Control-Max-Age
   * @param {{replaces?: boolean, kept?: [string, Permission[]][]}} [more]
   *        replaces: whether a new answer replaces what was remembered for its URL, as Chromium and WebKit do; to
   *        the standard it adds to that
   */
  constructor(seconds, { replaces = true, kept = [] } = {}) {
    this.#seconds = seconds;
    this.#replaces = replaces;
    this.#kept = new Map(kept);
  }

  /** Whether all that is asked was granted before; *now* in milliseconds. */
  cover(url, { method, names }, now) {
    const live = this.#live(url, now);
    const has = (what) => live.some((permission) => permission.what === what);
    return (SAFE_METHODS.has(method) || has(method)) && names.every((name) => has(`header ${name}`));
  }

  /** Keep what was asked: the request went out, so it was granted. */
  remember(url, { method, names }, now) {
    const whats = [...(SAFE_METHODS.has(method) ? [] : [method]), ...names.map((name) => `header ${name}`)];
    const old = this.#replaces ? [] : this.#live(url, now).filter(({ what }) => !whats.includes(what));
    const until = now + this.#seconds * 1000;
    this.#kept.set(url, [...old, ...whats.map((what) => ({ what, until }))]);
  }

  /** What is remembered, for a page that is left and comes back. */
  entries(now) {
    return [...this.#kept.keys()].map((url) => [url, this.#live(url, now)]).filter(([, live]) => live.length);
  }

  #live(url, now) {
    return (this.#kept.get(url) ?? []).filter(({ until }) => until > now);
  }
}
