/**
 * What the wire hides: passwords altogether, and the middle of whatever lets its bearer in.
 *
 * What is shown may be photographed, and what is kept for showing outlives the call: so nothing that is kept is whole.
 *
 * This file knows the names of secrets; it does not know where they travel.
 */

import { shorten } from "./jwt.js";

export const HIDDEN = "•••";

const PASSWORDS = new Set(["password", "current_password", "new_password"]);
const SECRETS = new Set(["access_token", "refresh_token", "token", "ticket", "verifier", "flow_secret", "code", "state"]);
const IN_PATH = /(\/v1\/password-resets\/)([^/?#]+)/;

/** Return a body with its secrets hidden, at any depth; in an answer "code" names a problem, which is no secret. */
export function redactBody(value, isAnswer = false) {
  if (Array.isArray(value)) return value.map((item) => redactBody(item, isAnswer));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, redactMember(name, member, isAnswer)]),
  );
}

function redactMember(name, value, isAnswer) {
  if (typeof value !== "string") return redactBody(value, isAnswer);
  if (PASSWORDS.has(name)) return value ? HIDDEN : value;
  if (name === "authorization_url") return redactUrl(value);
  return SECRETS.has(name) && !(isAnswer && name === "code") ? shorten(value) : value;
}

/** Return request headers with the credentials shortened. */
export function redactHeaders(headers) {
  return headers.map(([name, value]) => {
    if (name.toLowerCase() !== "authorization") return [name, value];
    const [scheme, token = ""] = value.split(" ");
    const parts = token.split(".").map((part) => shorten(part, 6, 3));
    return [name, `${scheme} ${parts.join(".")}`];
  });
}

/** Return a URL without the secrets in its path or query. */
export function redactUrl(text) {
  const url = new URL(text);
  for (const [name, value] of [...url.searchParams]) {
    if (SECRETS.has(name)) url.searchParams.set(name, shorten(value));
  }
  url.pathname = url.pathname.replace(IN_PATH, (_, path, token) => path + shorten(token));
  return url.href.replaceAll("%E2%80%A6", "…");
}
