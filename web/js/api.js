/**
 * The API: one function that calls it.
 *
 * A call brings the access token by itself.  When that is over, the refresh token buys the next pair, once: however
 * many calls find it over at the same moment, all wait for the one exchange, and then go out again.
 *
 * Tokens travel in a header, never in a cookie: `credentials` is "omit".  Every request is written into the wire.
 *
 * This file knows HTTP, problems and tokens; it knows no view and no words.
 */

import { Problem, Unreachable } from "./problems.js";
import { alone } from "./tabs.js";

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {boolean} ok
 * @property {Headers} headers  those that a page of another origin may read
 * @property {any} body         what the JSON says; a text for anything else; null for nothing
 * @property {string} etag      "" if there is none
 */

/**
 * @typedef {object} Options
 * @property {any} [body]       what to send as JSON
 * @property {Record<string, string|number>} [query]
 * @property {string} [ifMatch] the version that is meant
 * @property {string} [key]     the same for what is sent again: the API makes one thing of both
 * @property {"session"|"none"} [as]  whose token goes along; "session" where nothing is said
 * @property {string} [bearer]  this very token instead, good or not: nothing is renewed
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive]  whether the call goes on when the page is left
 */

export class Api {
  #base;
  #session;
  #wire;
  #language;
  /** @type {Promise<void>|null} */
  #renewing = null;

  /**
   * @param {string} base  the API's origin
   * @param {import("./session.js").Session} session
   * @param {import("./wire.js").Wire} wire
   * @param {() => string} language  the language that problems are to be told in
   */
  constructor(base, session, wire, language) {
    this.#base = base;
    this.#session = session;
    this.#wire = wire;
    this.#language = language;
  }

  /**
   * Call the API, and return its answer.
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<Reply>}
   * @throws {Problem} the API says no
   * @throws {Unreachable} there is no answer
   */
  async call(method, path, options = {}) {
    const session = this.#session;
    if (options.bearer || options.as === "none" || !session.isOpen) {
      return accepted(await this.#send(method, path, options, options.bearer ?? ""));
    }
    if (session.isOver) await this.#renew();
    const token = session.accessToken;
    const reply = await this.#send(method, path, options, token);
    if (!(await this.#mayTryAgain(reply, token))) return accepted(reply);
    return accepted(await this.#send(method, path, options, session.accessToken));
  }

  /** Whether the token was at fault, and there is a better one by now. */
  async #mayTryAgain(reply, token) {
    const session = this.#session;
    const code = reply.status === 401 ? reply.body?.code : "";
    if (code !== "invalid-token" && code !== "session-ended") return false;
    if (session.isOpen && session.accessToken !== token) return true; // another call renewed it meanwhile
    if (code === "session-ended") session.end("over");
    else await this.#renew();
    return session.isOpen;
  }

  #renew() {
    this.#renewing ??= this.#exchange().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #exchange() {
    const session = this.#session;
    const mine = session.refreshToken;
    await alone(async () => {
      if (session.refreshToken !== mine) return; // a copy of this tab was faster
      const reply = await this.#send("POST", "/v1/tokens/refresh", { body: { refresh_token: mine } }, "");
      if (session.refreshToken !== mine) return; // logged out while the answer was on its way
      if (reply.ok) session.renew(reply.body);
      else if (reply.status === 401) session.end("over");
      accepted(reply);
    });
  }

  /** @param {string} method @param {string} path @param {Options} options @param {string} token */
  async #send(method, path, { body, query, ifMatch, key, signal, keepalive }, token) {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, String(value));
    /** @type {Record<string, string>} */
    const headers = { "Accept-Language": this.#language() };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (ifMatch) headers["If-Match"] = ifMatch;
    if (key) headers["Idempotency-Key"] = `"${key}"`;
    const line = this.#wire.begin({ method, url: url.href, headers: Object.entries(headers), body });
    const sent = body === undefined ? undefined : JSON.stringify(body);
    try {
      const response = await fetch(url, { method, headers, body: sent, signal, keepalive, credentials: "omit" });
      const reply = await read(response);
      line.answered(response, reply.body);
      return reply;
    } catch (error) {
      line.failed(error);
      if (error.name === "AbortError") throw error;
      throw new Unreachable(error);
    }
  }
}

/** Return the path of something of a user's: usernames may hold any script's letters. */
export function ofUser(username, rest = "") {
  return `/v1/users/${encodeURIComponent(username)}${rest}`;
}

function accepted(reply) {
  if (!reply.ok) throw new Problem(reply);
  return reply;
}

/** @returns {Promise<Reply>} */
async function read(response) {
  const text = await response.text();
  const { status, ok, headers } = response;
  return {
    status,
    ok,
    headers,
    body: parsed(text, headers.get("Content-Type") ?? ""),
    etag: headers.get("ETag") ?? "",
  };
}

function parsed(text, type) {
  if (!text) return null;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
