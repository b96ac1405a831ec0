/**
 * A story as a sequence diagram: seven parties, and a row for each arrow, which is a button.
 *
 * It is a list to who does not see it: "browser to API: POST /v1/users".  Up and down walk through it.
 *
 * This file knows looks; what the arrows mean is in arrows.js.
 */

import { h } from "../dom.js";
import { PARTIES } from "./arrows.js";

/**
 * Return the diagram.
 * @param {import("../app.js").App} app
 * @param {import("./arrows.js").Arrow[]} arrows
 * @param {string} chosen  the id of the arrow that is looked at
 * @param {(arrow: import("./arrows.js").Arrow) => void} choose
 */
export function diagram(app, arrows, chosen, choose) {
  const { t } = app.language;
  const heads = PARTIES.map((party) =>
    h(
      "span",
      { class: `party ${party}` },
      h("b", {}, t(`party.${party}`)),
      h("small", {}, portOf(app, party)),
    ),
  );
  const rows = arrows.map((arrow) => h("li", {}, row(app, arrow, arrow.id === chosen, choose)));
  const list = h("ol", { class: "arrows", "aria-label": t("inspector.arrows") }, rows);
  list.addEventListener("keydown", (event) => walk(event, list));
  return h("div", { class: "sequence" }, h("div", { class: "parties", "aria-hidden": "true" }, heads), list);
}

function portOf({ config }, party) {
  const port = (url) => `:${new URL(url).port}`;
  const ports = { browser: port(location.href), api: port(config.api), weibo: port(config.weibo) };
  return ports[party] ?? "";
}

function walk(event, list) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...list.querySelectorAll("button")];
  const next = buttons[buttons.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function row(app, arrow, isChosen, choose) {
  const { t } = app.language;
  const [from, to] = [PARTIES.indexOf(arrow.from), PARTIES.indexOf(arrow.to)];
  const way = from === to ? "here" : from < to ? "right" : "left";
  const [text, more] = words(app, arrow);
  const between = from === to ? t(`party.${arrow.from}`) : t("inspector.to", { from: t(`party.${arrow.from}`), to: t(`party.${arrow.to}`) });
  return h(
    "button",
    {
      type: "button",
      id: `arrow-${arrow.id}`,
      class: `arrow is-${arrow.kind} of-${arrow.record.kind} ${way} ${arrow.verdict}`,
      "data-left": Math.min(from, to),
      "data-right": Math.max(from, to),
      "aria-pressed": String(isChosen),
      on: { click: () => choose(arrow) },
    },
    h("span", { class: "off-screen" }, `${between}: `),
    way === "here" ? null : h("span", { class: "shaft", "aria-hidden": "true" }),
    h("span", { class: "text" }, h("span", { class: "what" }, text), more ? h("small", {}, ` ${more}`) : null),
  );
}

/** Return what stands on an arrow: the thing, and how long it took. */
function words(app, arrow) {
  const { t } = app.language;
  const took = arrow.took >= 0 ? t("wire.ms", { ms: arrow.took < 10 ? arrow.took.toFixed(1) : Math.round(arrow.took) }) : "";
  if (arrow.kind === "checks") {
    const failed = arrow.events.find(({ verdict }) => verdict === "failed");
    const groups = [...new Set(arrow.events.map(({ group }) => t(`group.${group}`)))].join(", ");
    return failed
      ? [`✘ ${t(`group.${failed.group}`)}`, app.language.told(failed.found)]
      : [`✔ ${groups}`, counted(t, "inspector.checks", arrow.events.length)];
  }
  if (arrow.kind === "put") return [t("inspector.put", { task: arrow.text }), took];
  if (arrow.kind === "sql") return [arrow.text, `${counted(t, "inspector.statements", arrow.events.length)} · ${took}`];
  if (arrow.kind === "answer" && arrow.record.kind === "job") return [t(`fate.${arrow.text}`), took];
  if (arrow.kind === "ask" && arrow.record.kind === "request" && arrow.record.by === "program") {
    return [arrow.text, t("inspector.program")];
  }
  return [arrow.text, took];
}

/** Return how many there are, in words; one has words of its own. */
function counted(t, key, count) {
  return t(count === 1 ? `${key}.one` : key, { count });
}
