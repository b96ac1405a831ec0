/**
 * What a call may come to, if not to an answer: a problem that the API tells, or silence.
 *
 * This file knows problem documents (RFC 9457); it does not know how they are shown.
 */

/**
 * @typedef {object} FieldError
 * @property {string} pointer  where, as RFC 6901 writes it: "#/email"
 * @property {string} code     stable, for programs
 * @property {string} detail   for people, in the language that was asked for
 */

/** The API answered, and said no. */
export class Problem extends Error {
  /** @param {import("./api.js").Reply} reply */
  constructor(reply) {
    const told = reply.body !== null && typeof reply.body === "object" ? reply.body : {};
    super(told.title ?? `status ${reply.status}`);
    this.name = "Problem";
    this.status = reply.status;
    this.code = text(told.code);
    this.title = text(told.title);
    this.detail = text(told.detail);
    this.requestId = text(told.request_id) || reply.headers.get("X-Request-Id") || "";
    this.retryAfter = Number(reply.headers.get("Retry-After")) || 0;
    /** @type {FieldError[]} */
    this.errors = Array.isArray(told.errors) ? told.errors : [];
  }
}

/** Nobody answered, or the browser keeps the answer from us: it does not say which (Fetch §4.4, "network error"). */
export class Unreachable extends Error {
  constructor(cause) {
    super("the API did not answer", { cause });
    this.name = "Unreachable";
  }
}

/** Return the name of the member that a pointer ends at: "#/register/email" is about "email". */
export function memberOf(pointer) {
  const last = text(pointer).split("/").at(-1) ?? "";
  return last.replaceAll("~1", "/").replaceAll("~0", "~");
}

function text(value) {
  return typeof value === "string" ? value : "";
}
