/**
 * One exchange, told in four panels: the preflight, the request, the answer, the token.
 *
 * What was seen and what is told from the rules look different: the latter is set in italics or dimmed.
 *
 * This file knows an exchange's form (wire.js); it does not know where it comes from.
 */

import { h } from "../dom.js";
import { json, message, panel, statusKind } from "./look.js";
import { tokenPanel } from "./token.js";

/**
 * Return the panels.
 * @param {import("../app.js").App} app
 * @param {import("../wire.js").Exchange} exchange
 */
export function panels(app, exchange) {
  const { language } = app;
  return [
    preflightPanel(language, exchange),
    requestPanel(language, exchange),
    answerPanel(language, exchange),
    tokenPanel(language, exchange),
  ];
}

function target({ url }) {
  const { pathname, search, host } = new URL(url);
  return { path: pathname.replaceAll("%E2%80%A6", "…") + search.replaceAll("%E2%80%A6", "…"), host };
}

function preflightPanel({ t }, exchange) {
  const title = t("wire.preflight");
  const { preflight, origin } = exchange;
  if (!preflight) return panel("asks", title, t("wire.mark.none"), h("p", {}, t("wire.simple")));
  const { path, host } = target(exchange);
  const asked = message(["OPTIONS ", path], [["Host", host], ["Origin", origin], ...preflight.headers]);
  const reasons = preflight.reasons.map(({ kind, name, value }) => {
    const key = name === "content-type" ? "type" : kind;
    return h("li", {}, t(`wire.why.${key}`, { name, value }));
  });
  const answer = preflight.answer.length
    ? [
        h("p", { class: "told" }, t("wire.least")),
        message("", preflight.answer, "answer"),
        h("p", { class: "told" }, t("wire.age")),
      ]
    : exchange.failure
      ? [h("p", { class: "told" }, t("wire.least.unknown"))]
      : [];
  return panel(
    `asks ${preflight.kind}`,
    title,
    t(`wire.mark.${preflight.kind}`),
    h("p", { class: "told" }, t(`wire.${preflight.kind}`)),
    asked,
    h("p", {}, t("wire.why")),
    h("ul", { class: "why" }, reasons),
    answer,
  );
}

function requestPanel({ t }, exchange) {
  const { path, host } = target(exchange);
  const body = exchange.body === null ? h("p", { class: "told" }, t("wire.body.none")) : json(exchange.body);
  return panel(
    "sends",
    t("wire.request"),
    null,
    message([h("b", {}, exchange.method), " ", path], exchange.headers),
    h("p", { class: "told" }, t("wire.browser")),
    message(
      "",
      [
        ["Host", host],
        ["Origin", exchange.origin],
      ],
      "dim",
    ),
    h("p", { class: "told" }, t("wire.browser.more")),
    body,
  );
}

function answerPanel({ t }, exchange) {
  const { answer, failure } = exchange;
  const took = exchange.took < 0 ? t("wire.pending") : t("wire.ms", { ms: exchange.took });
  if (!answer)
    return panel(
      "answers",
      t("wire.answer"),
      took,
      h("p", {}, failure ? t(`wire.failed.${failure}`) : t("wire.pending")),
    );
  const first = [h("b", { class: statusKind(exchange) }, answer.status), " ", answer.text];
  return panel(
    "answers",
    t("wire.answer"),
    took,
    message(first, answer.headers),
    answer.body === null ? h("p", { class: "told" }, t("wire.body.none")) : json(answer.body),
    h("p", { class: "told" }, t("wire.unreadable")),
    h("p", { class: "unread" }, answer.unreadable.join(", ")),
  );
}
