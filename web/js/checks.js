/**
 * Checks, told: verdict, plain words, the clause, what was found, and the source line, shown in place.
 *
 * A check comes from the same code that decides (sandbox/trace_gates.py); what it is for and what it found are said in
 * the reader's language.
 *
 * This file knows a check's form; it does not know which exchange it belongs to.
 */

import { clauseLink, demandsButton } from "./clauselink.js";
import { fill, h } from "./dom.js";

/** @typedef {{group: string, name: string, clause: string, verdict: "passed"|"failed"|"not reached", found: string, source: string}} Check */

const MARK = { passed: "✔", failed: "✘", "not reached": "·" };

/** Return the list of *checks*. @param {Check[]} checks */
export function checkList(app, checks) {
  return h(
    "ol",
    { class: "checks" },
    checks.map((check) => row(app, check)),
  );
}

/** Return the name of a check for people. */
export function nameOf({ t }, { group, name }) {
  const key = `check.${group}.${name}`;
  const words = t(key);
  return words === key ? name : words;
}

/** Return the class that a verdict is coloured by. */
export function verdictClass(verdict) {
  return { passed: "good", failed: "bad", "not reached": "unreached" }[verdict];
}

function row(app, check) {
  const { t } = app.language;
  return h(
    "li",
    { class: `check ${verdictClass(check.verdict)}` },
    h("span", { class: "mark-of", "aria-hidden": "true" }, MARK[check.verdict]),
    h(
      "div",
      {},
      h(
        "p",
        { class: "said" },
        h("span", { class: "off-screen" }, `${t(`verdict.${check.verdict}`)}: `),
        nameOf(app.language, check),
      ),
      check.found ? h("p", { class: "found" }, app.language.told(check.found)) : null,
      h("p", { class: "where" }, check.clause ? [clauseLink(check.clause), demandsButton(app, check.clause)] : null, check.source ? sourceButton(app, check.source) : null),
    ),
  );
}

/** Return a button that shows the function at a place such as "dada/jws.py:131" below itself. */
export function sourceButton(app, at) {
  const { t } = app.language;
  const place = h("div", { class: "source", hidden: true });
  const button = h("button", { type: "button", class: "source-at", "aria-expanded": "false" }, at);
  button.addEventListener("click", async () => {
    const open = place.hidden;
    button.setAttribute("aria-expanded", String(open));
    place.hidden = !open;
    if (open && !place.firstChild) fill(place, await source(app, at));
  });
  button.title = t("source.show");
  return [button, place];
}

async function source(app, at) {
  const { t } = app.language;
  try {
    const response = await fetch(`${app.config.weibo}/sources?at=${encodeURIComponent(at)}`);
    if (!response.ok) return h("p", {}, t("source.none"));
    const { first, line, lines, file } = await response.json();
    const rows = lines.map((text, index) =>
      h(
        "span",
        { class: first + index === line ? "code-line at" : "code-line" },
        h("span", { class: "number", "aria-hidden": "true" }, String(first + index)),
        text || " ",
        "\n",
      ),
    );
    return h("pre", { tabindex: 0, role: "region", "aria-label": t("source.of", { file }) }, rows);
  } catch {
    return h("p", {}, t("source.none"));
  }
}
