/**
 * What lies behind an arrow: the bytes, the checks, the commands, the conversation.
 *
 * Headers that a check looked at, or that say what was decided, are marked, and say by what.
 *
 * This file knows records and arrows; it does not know where they come from.
 */

import { checkList } from "../checks.js";
import { h } from "../dom.js";
import { button, outside } from "../parts.js";
import { curlOf } from "./curl.js";
import { groupsFor, saysADecision } from "./arrows.js";
import { openReplay } from "./replay.js";

/**
 * Return the panels for an arrow.
 * @param {import("../app.js").App} app
 * @param {import("./arrows.js").Arrow} arrow
 */
export function detail(app, arrow) {
  const { t } = app.language;
  const { record, kind } = arrow;
  const title = h("h2", { id: "detail-title", tabindex: -1 }, headline(app, arrow));
  const own = {
    ask: () => askParts(app, record),
    answer: () => answerParts(app, record),
    sql: () => [commands(app, arrow.events, "sql")],
    redis: () => [commands(app, arrow.events, "redis")],
    put: () => [h("p", {}, t("inspector.put.more")), commands(app, arrow.events, "redis")],
    checks: () => [h("p", { class: "lead-in" }, t("inspector.checks.more")), checkList(app, arrow.events)],
  }[kind]();
  return [title, h("p", { class: "quiet when" }, when(app, record)), ...own];
}

function headline(app, arrow) {
  const { t } = app.language;
  if (arrow.kind === "checks") return t("inspector.head.checks", { title: arrow.record.title });
  if (arrow.kind === "sql") return t("inspector.head.sql", { title: arrow.record.title });
  if (arrow.kind === "redis" || arrow.kind === "put") return t("inspector.head.redis", { title: arrow.record.title });
  return t(`inspector.head.${arrow.record.kind}.${arrow.kind}`, { title: arrow.record.title, status: arrow.record.status });
}

function when({ language }, record) {
  const moment = language.moment(record.at, { timeStyle: "medium" });
  return [moment, record.process, record.request_id ? h("code", {}, record.request_id) : null]
    .filter(Boolean)
    .flatMap((part, index) => (index ? [" · ", part] : [part]));
}

// --- there and back ---

function askParts(app, record) {
  const { t } = app.language;
  const checks = record.events.filter(({ kind }) => kind === "check");
  const why = record.kind === "preflight" ? t("inspector.preflight") : record.asked ? t(`inspector.asked.${record.asked}`) : "";
  if (record.kind === "mail") return [talk(app, record)];
  if (record.kind === "job") return [h("p", {}, t("inspector.job")), json(record.job.args), bytes(app, record, record.request)];
  return [
    why ? h("p", { class: "lead-in" }, why) : null,
    record.request ? bytes(app, record, record.request) : null,
    checks.length ? [h("h3", {}, t("inspector.checked")), checkList(app, checks)] : null,
    record.kind === "request" && record.to === "api" ? actions(app, record) : null,
  ];
}

function answerParts(app, record) {
  const { t } = app.language;
  if (record.kind === "mail") {
    const link = record.letter ? `${app.config.mailbox}?id=${record.letter}` : "";
    return [link ? h("p", {}, outside(link, t("inspector.letter"), "button")) : null, talk(app, record)];
  }
  if (record.kind === "job") {
    const why = record.job?.why ? h("p", { class: "found" }, app.language.told(record.job.why)) : null;
    return [h("p", {}, t(`fate.${record.status}.more`)), why];
  }
  if (!record.answer) return [h("p", {}, t("inspector.silent"))];
  const failed = record.events.filter(({ kind, verdict }) => kind === "check" && verdict === "failed");
  return [
    record.kind === "preflight" ? h("p", { class: "lead-in" }, t("inspector.preflight.answer")) : null,
    failed.length ? [h("h3", {}, t("inspector.because")), checkList(app, failed)] : null,
    bytes(app, record, record.answer, true),
  ];
}

/** Return a message as it travelled, with the lines that mattered marked. */
function bytes(app, record, message, isAnswer = false) {
  const { t } = app.language;
  const reasons = (name) =>
    isAnswer ? (saysADecision(name) ? ["says"] : []) : groupsFor(record, name);
  const marked = (name, className, ...children) => {
    const groups = reasons(name);
    const why = groups.map((group) => (group === "says" ? t("inspector.says") : t(`group.${group}`))).join(", ");
    return h(
      "span",
      { class: groups.length ? `line marked ${className}` : `line ${className}` },
      ...children,
      why ? h("span", { class: "why-marked" }, why) : null,
      "\n",
    );
  };
  const decisive = message.headers.map(([name]) => name).filter((name) => reasons(name).length);
  return [
    h(
      "div",
      { class: "bytes", tabindex: 0, role: "region", "aria-label": t(isAnswer ? "inspector.bytes.answer" : "inspector.bytes") },
      h(
        "pre",
        {},
        marked("", "first", message.line),
        message.headers.map(([name, value]) => marked(name, "", h("span", { class: "name" }, name), ": ", value)),
        message.body ? ["\n", h("span", { class: "body" }, pretty(message.body))] : null,
      ),
    ),
    decisive.length > 0 && [h("h3", {}, t("inspector.does")), whatTheyDo(t, [...new Set(decisive)])],
  ];
}

/** Return what each header is for, in a sentence. */
function whatTheyDo(t, names) {
  return h(
    "dl",
    { class: "does" },
    names.map((name) => [h("dt", {}, h("code", {}, name)), h("dd", {}, t(`does.${name.toLowerCase()}`))]),
  );
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function json(value) {
  return h("pre", { class: "bytes" }, JSON.stringify(value, null, 2));
}

function talk(app, record) {
  const { t } = app.language;
  const lines = (record.talk ?? []).map(([who, text]) =>
    h("span", { class: who === ">" ? "line sent" : "line got" }, h("span", { class: "name" }, `${who} `), text, "\n"),
  );
  return h("div", { class: "bytes", tabindex: 0, role: "region", "aria-label": t("inspector.talk") }, h("pre", {}, lines));
}

function actions(app, record) {
  const { t } = app.language;
  const said = h("span", { class: "said-copied", role: "status" });
  const copy = button(t("inspector.curl"), async () => {
    await navigator.clipboard.writeText(curlOf(app.config.api, record.request));
    said.textContent = t("inspector.copied");
  });
  copy.id = "copy-curl";
  const again = button(t("inspector.replay"), async () => openReplay(app, record));
  again.id = "replay";
  return h("div", { class: "actions" }, copy, again, said);
}

// --- commands ---

function commands(app, events, kind) {
  const { t } = app.language;
  const rows = events
    .filter((event) => event.kind === kind)
    .map((event) =>
      h(
        "li",
        {},
        h("pre", {}, event.text),
        event.values ? h("pre", { class: "values" }, event.values) : null,
        h(
          "p",
          { class: "quiet" },
          t("wire.ms", { ms: event.took }),
          event.rows >= 0 && kind === "sql" ? ` · ${t("inspector.rows", { count: event.rows })}` : "",
          event.reply !== undefined && event.reply !== "" ? [" · → ", h("code", {}, event.reply)] : null,
        ),
      ),
    );
  return h("ol", { class: "commands" }, rows);
}
