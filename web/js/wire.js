/**
 * The wire: a record of what went over it, for whoever shows it.
 *
 *     api.js ──begin──► Exchange ──answered | failed──► "exchange" event ──► the strip, and whatever comes later
 *
 * An exchange is plain data with nothing whole that is secret.  The last twenty are kept in the tab's storage, so that
 * the way to another site and back is seen whole.  What scripts cannot see (preflights, headers that are not exposed)
 * is told from the rules, and marked as told.
 *
 * This file knows requests and answers; it does not know how they are drawn.
 */

import { Permissions, leastAnswer, question, questionHeaders } from "./fetchmodel.js";
import { decodeForDisplay } from "./jwt.js";
import { redactBody, redactHeaders, redactUrl } from "./redact.js";

/**
 * @typedef {object} Preflight
 * @property {"sent"|"remembered"} kind
 * @property {import("./fetchmodel.js").Reason[]} reasons  why the browser must ask
 * @property {[string, string][]} headers  the question
 * @property {[string, string][]} answer   the least that the answer said; empty until the request went out
 */

/**
 * @typedef {object} Exchange
 * @property {number} id
 * @property {number} at          milliseconds since 1970
 * @property {number} took        milliseconds; -1 while it is under way
 * @property {string} method
 * @property {string} url
 * @property {string} origin      the page's
 * @property {Preflight|null} preflight  null: it went out unasked
 * @property {[string, string][]} headers  those that the page set
 * @property {any} body
 * @property {{status: number, text: string, headers: [string, string][], unreadable: string[], body: any}|null} answer
 * @property {string} failure     why there is no answer, as far as the browser says; "" if there is one
 * @property {(import("./jwt.js").ShownToken & {travels: "out"|"back"})|null} token
 */

const NAME = "dada.wire";
const KEPT = 20;

/** What wsgi.py gives as Access-Control-Max-Age; the page cannot read it. */
const MAX_AGE_SECONDS = 600;

/** Headers that the API sends with its answers and exposes to no page (dada/app.py, dada/cors.py). */
export const UNEXPOSED = [
  "Access-Control-Allow-Origin",
  "Access-Control-Expose-Headers",
  "Connection",
  "Content-Security-Policy",
  "Cross-Origin-Resource-Policy",
  "Date",
  "Referrer-Policy",
  "Server",
  "Server-Timing",
  "Timing-Allow-Origin",
  "Vary",
  "X-Content-Type-Options",
];

export class Wire extends EventTarget {
  #origin;
  #store;
  #now;
  #permissions;
  /** @type {Exchange[]} newest first */
  #exchanges;
  #next;

  /**
   * @param {string} origin   the page's
   * @param {Storage} store
   * @param {{replaces?: boolean, now?: () => number}} [more]  replaces: see Permissions
   */
  constructor(origin, store, { replaces = true, now = Date.now } = {}) {
    super();
    this.#origin = origin;
    this.#store = store;
    this.#now = now;
    const kept = read(store.getItem(NAME));
    this.#exchanges = kept.exchanges;
    this.#next = 1 + Math.max(0, ...kept.exchanges.map(({ id }) => id));
    this.#permissions = new Permissions(MAX_AGE_SECONDS, { replaces, kept: kept.permissions });
  }

  /** The last exchanges, newest first. @returns {readonly Exchange[]} */
  get exchanges() {
    return this.#exchanges;
  }

  /**
   * Write a call down as it goes out; the object returned takes what comes of it.
   * @param {{method: string, url: string, headers: [string, string][], body?: any}} call
   */
  begin(call) {
    const at = this.#now();
    const url = redactUrl(call.url);
    const asked = question(call, this.#origin);
    const sent = asked !== null && !this.#permissions.cover(url, asked, at);
    const token = decodeForDisplay(bearerOf(call.headers));
    /** @type {Exchange} */
    const exchange = {
      id: this.#next++,
      at,
      took: -1,
      method: call.method,
      url,
      origin: this.#origin,
      preflight: asked && {
        kind: sent ? "sent" : "remembered",
        reasons: asked.reasons.map((reason) => hideValue(reason)),
        headers: questionHeaders(asked),
        answer: [],
      },
      headers: redactHeaders(call.headers),
      body: call.body === undefined ? null : redactBody(call.body),
      answer: null,
      failure: "",
      token: token && { ...token, travels: "out" },
    };
    this.#exchanges = [exchange, ...this.#exchanges].slice(0, KEPT);
    this.#tell(exchange);
    const finish = (changes) => {
      Object.assign(exchange, changes, { took: this.#now() - at });
      this.#tell(exchange);
    };
    return {
      answered: (response, body) => {
        if (sent) this.#permissions.remember(url, asked, this.#now());
        if (asked) exchange.preflight.answer = leastAnswer(asked, this.#origin);
        const got = decodeForDisplay(body?.access_token ?? "");
        finish({ answer: shown(response, body), token: got ? { ...got, travels: "back" } : exchange.token });
      },
      failed: (error) => finish({ failure: error.name === "AbortError" ? "aborted" : "unanswered" }),
    };
  }

  #tell(exchange) {
    const kept = { exchanges: this.#exchanges, permissions: this.#permissions.entries(this.#now()) };
    this.#store.setItem(NAME, JSON.stringify(kept));
    this.dispatchEvent(new CustomEvent("exchange", { detail: exchange }));
  }
}

function bearerOf(headers) {
  const [, value = ""] = headers.find(([name]) => name.toLowerCase() === "authorization") ?? [];
  return value.split(" ")[1] ?? "";
}

function hideValue(reason) {
  return reason.name === "authorization" ? { ...reason, value: "" } : reason;
}

function shown(response, body) {
  /** @type {[string, string][]} */
  const headers = [...response.headers].map(([name, value]) => [capital(name), value]);
  const readable = new Set(headers.map(([name]) => name));
  return {
    status: response.status,
    text: response.statusText,
    headers,
    unreadable: UNEXPOSED.filter((name) => !readable.has(name)),
    body: redactBody(body, true),
  };
}

/** Return a header's name as HTTP/1.1 is used to writing it: scripts see it in lower case. */
function capital(name) {
  if (name === "etag") return "ETag";
  if (name === "www-authenticate") return "WWW-Authenticate";
  return name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase()).replace("Ratelimit", "RateLimit");
}

function read(text) {
  try {
    const kept = JSON.parse(text ?? "null");
    // What was under way when the page was left has no end that anybody could tell.
    const exchanges = kept.exchanges.map((one) => (one.took < 0 ? { ...one, took: 0, failure: "left" } : one));
    return { exchanges, permissions: kept.permissions };
  } catch {
    return { exchanges: [], permissions: [] };
  }
}
