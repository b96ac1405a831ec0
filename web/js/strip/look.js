/**
 * How messages look in the strip: a panel, a message's lines, a body, a status.
 *
 * This file knows looks by their class names; it does not know what is told.
 */

import { h } from "../dom.js";

/** Return a panel. */
export function panel(kind, title, note, ...children) {
  return h(
    "section",
    { class: `panel ${kind}` },
    h("h3", {}, title, note ? h("span", { class: "note" }, note) : null),
    ...children,
  );
}

/** Return lines of a message: a first line, and headers. */
export function message(first, headers, className = "") {
  const lines = headers.map(([name, value]) =>
    h("span", { class: "line" }, h("span", { class: "name" }, name), ": ", value, "\n"),
  );
  return h(
    "pre",
    { class: `message ${className}` },
    first ? h("span", { class: "line first" }, first, "\n") : null,
    lines,
  );
}

/** Return a body. */
export function json(value) {
  return h("pre", { class: "body" }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

/** Return the status as the strip writes it. */
export function statusOf({ answer, failure }) {
  if (answer) return String(answer.status);
  return failure ? "✕" : "…";
}

/** Return a path that fits a line: long names in it are cut, what it is about stays readable. */
export function shortPath(url) {
  const parts = new URL(url).pathname.split("/").map((part) => decodeURIComponent(part));
  return parts.map((part) => (part.length > (/\d/.test(part) ? 8 : 15) ? `${part.slice(0, 3)}…` : part)).join("/");
}

/** Return the class that a status is coloured by. */
export function statusKind({ answer, failure }) {
  if (!answer) return failure ? "bad" : "pending";
  return answer.status < 300 ? "good" : answer.status < 500 ? "odd" : "bad";
}
