/**
 * A request sent again with something changed: by this browser, so that it asks first where it must.
 *
 * What a script may not set (Origin, Host …) the browser writes itself, now as it did before.
 *
 * This file knows a form and fetch(); what comes of it arrives over the stream like everything else.
 */

import { h } from "../dom.js";
import { headerPairs, partsOf, settableHeaders, withNewKey } from "./curl.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Open the form.
 * @param {import("../app.js").App} app
 * @param {import("./records.js").TraceRecord} record
 */
export function openReplay(app, record) {
  const { t } = app.language;
  const { method, target } = partsOf(record.request);
  const outcome = h("div", { class: "outcome", "aria-live": "polite" });
  const chosen = h(
    "select",
    { id: "replay-method" },
    METHODS.map((name) => h("option", { value: name, selected: name === method }, name)),
  );
  const path = h("input", { id: "replay-path", prop: { value: target }, spellcheck: "false" });
  const headers = h("textarea", { id: "replay-headers", rows: 4, spellcheck: "false", prop: { value: settableHeaders(record.request) } });
  const body = h("textarea", { id: "replay-body", rows: 5, spellcheck: "false", prop: { value: record.request.body ?? "" } });
  // Another body under the key of the first one would be refused (Idempotency-Key): it is a request of its own.
  body.addEventListener("input", () => { headers.value = withNewKey(headers.value); }, { once: true });
  const field = (id, key, input) => h("div", { class: "field" }, h("label", { for: id }, t(key)), input);
  const form = h(
    "form",
    { class: "replay", novalidate: true },
    h("h2", { id: "replay-title" }, t("replay.title")),
    h("p", { class: "quiet" }, t("replay.lead")),
    h(
      "div",
      { class: "fields" },
      h("div", { class: "line-fields" }, field("replay-method", "replay.method", chosen), field("replay-path", "replay.path", path)),
      field("replay-headers", "replay.headers", headers),
      field("replay-body", "replay.body", body),
    ),
    outcome,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, t("replay.send")),
      h("button", { type: "button", on: { click: () => dialog.close() } }, t("replay.close")),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = await send(app, { method: chosen.value, path: path.value, headers: headers.value, body: body.value });
    outcome.replaceChildren(h("p", { class: `notice ${told.kind}` }, told.text));
  });
  const dialog = h("dialog", { class: "ask wide", "aria-labelledby": "replay-title" }, form);
  dialog.addEventListener("close", () => {
    dialog.remove();
    document.getElementById("replay")?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}

async function send(app, { method, path, headers, body }) {
  const { t } = app.language;
  if (!path.startsWith("/")) return { kind: "bad", text: t("replay.bad.path") };
  const hasBody = body !== "" && method !== "GET";
  try {
    const response = await fetch(app.config.api + path, {
      method,
      headers: headerPairs(headers),
      body: hasBody ? body : undefined,
      credentials: "omit",
    });
    const kind = response.ok ? "good" : "bad";
    return { kind, text: t("replay.answered", { status: response.status, text: response.statusText }) };
  } catch (error) {
    // A line that is no header, or no answer that this page may read.
    const isLine = error instanceof TypeError && headers.split("\n").includes(error.message);
    return { kind: "bad", text: isLine ? t("replay.bad.header", { line: error.message }) : t("replay.blocked") };
  }
}
