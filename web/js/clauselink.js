/**
 * Clauses as they are shown: "RFC 7515 §5.2 step 8" as a link to it, and a button that tells what it demands.
 *
 * This file knows how standards are addressed; what they demand is found by clauses.js.
 */

import { rulesOf } from "./clauses.js";
import { fill, h } from "./dom.js";

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

/** Return a button that shows below itself what a clause demands, in the reader's language. */
export function demandsButton(app, clause) {
  const { t, code } = app.language;
  const place = h("div", { class: "demands", hidden: true });
  const button = h("button", { type: "button", class: "source-at", "aria-expanded": "false" }, t("clause.demands"));
  button.addEventListener("click", async () => {
    const open = place.hidden;
    button.setAttribute("aria-expanded", String(open));
    place.hidden = !open;
    if (!open || place.firstChild) return;
    const rules = await rulesOf(clause).catch(() => []);
    const told = rules.map(({ level, en, zh, cite }) =>
      h("li", {}, h("b", {}, level), ` ${code === "en" ? en : zh} `, h("small", {}, `(${cite})`)),
    );
    fill(place, told.length ? h("ul", {}, told) : h("p", {}, t("clause.none")));
  });
  return [button, place];
}
