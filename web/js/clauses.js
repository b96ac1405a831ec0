/**
 * Clauses: "RFC 7515 §5.2 step 8", "Fetch §4.10 step 4", and where each can be read.
 *
 * This file knows how standards are addressed; it does not know what they demand.
 */

import { h } from "./dom.js";

/** Sections of Fetch have names, not numbers, as addresses. */
const FETCH = {
  "2.2.1": "methods",
  "2.2.2": "terminology-headers",
  "3.3": "http-cors-protocol",
  "3.3.2": "http-requests",
  "3.3.3": "http-responses",
  "3.3.4": "cors-protocol-and-credentials",
  "4.1": "main-fetch",
  "4.8": "cors-preflight-fetch",
  "4.9": "cors-preflight-cache",
  "4.10": "cors-check",
  "5.1": "headers-class",
  "5.4": "request-class",
};

/** Return the address of a clause; "" for one that is in no standard known here. */
export function addressOf(clause) {
  const rfc = /^RFC (\d+)(?: (?:§([\d.]+)|appendix ([A-Z][.\d]*)))?/.exec(clause);
  if (rfc) {
    const part = rfc[2] ? `#section-${rfc[2]}` : rfc[3] ? `#appendix-${rfc[3]}` : "";
    return `https://www.rfc-editor.org/rfc/rfc${rfc[1]}.html${part}`;
  }
  const fetch = /^Fetch(?: §([\d.]+))?/.exec(clause);
  if (fetch) return `https://fetch.spec.whatwg.org/#${FETCH[fetch[1]] ?? ""}`;
  return "";
}

/** Return a clause as a link to it. */
export function clauseLink(clause) {
  const href = addressOf(clause);
  if (!href) return h("span", { class: "clause" }, clause);
  return h("a", { class: "clause", href, target: "_blank", rel: "noopener noreferrer" }, clause);
}
