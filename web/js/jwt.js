/**
 * Tokens, decoded for display only: nothing here checks a signature, and nothing of it may decide anything.
 *
 * A token is `header.payload.signature`, each in base64url (RFC 7515 §3.1): everybody can read the first two, only the
 * API can make the third (its key never leaves it).
 *
 * This file knows the token's form; what its claims mean is told elsewhere.
 */

/**
 * @typedef {object} ShownToken
 * @property {Record<string, any>} header
 * @property {Record<string, any>} claims
 * @property {[string, string, string]} parts  as they travel, each shortened so that nobody can use them
 * @property {number} signatureBytes
 */

/** Claims that are seconds since 1970 (RFC 7519 §2, NumericDate). */
export const DATES = new Set(["exp", "iat", "nbf", "auth_time"]);

/**
 * Return what a token says of itself; null for a text that is no token.  WHETHER IT IS TRUE IS NOT CHECKED.
 * @param {string} token
 * @returns {ShownToken|null}
 */
export function decodeForDisplay(token) {
  const parts = String(token).split(".");
  if (parts.length !== 3) return null;
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(textOf(part)));
    if (typeof header !== "object" || typeof claims !== "object" || !header || !claims) return null;
    const [first, second, third] = parts.map((part) => shorten(part));
    return { header, claims, parts: [first, second, third], signatureBytes: bytesOf(parts[2]).length };
  } catch {
    return null;
  }
}

/** Return the ends of a secret: enough to tell two apart, too little to use. */
export function shorten(secret, first = 8, last = 4) {
  return secret.length > first + last + 1 ? `${secret.slice(0, first)}…${secret.slice(-last)}` : secret;
}

function bytesOf(part) {
  const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function textOf(part) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(part));
}
