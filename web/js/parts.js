/**
 * Parts that views are made of: a view's frame, links, buttons, notices.
 *
 * This file knows looks by their class names; it does not know what a view is about.
 */

import { h } from "./dom.js";
import { to } from "./router.js";
import { Problem, Unreachable } from "./problems.js";

/**
 * @typedef {object} View
 * @property {string} title    for the browser's tab and history
 * @property {Node[]} nodes    what is shown; one of them holds the h1
 * @property {boolean} [wide]  whether it takes the whole width
 */

/** Return a view whose heading is its title. @returns {View} */
export function view(title, ...children) {
  return { title, nodes: [h("h1", { tabindex: -1 }, title), ...children.flat().filter(Boolean)] };
}

/** Return a view that is one card, for forms and messages. @returns {View} */
export function cardView(title, ...children) {
  const heading = h("h1", { tabindex: -1, id: "card-title" }, title);
  return {
    title,
    nodes: [h("section", { class: "card label", "aria-labelledby": "card-title" }, heading, ...children)],
  };
}

/** Return a link to a path of this page. */
export function link(path, text, className = "") {
  return h("a", { href: to(path), class: className || null }, text);
}

/** Return a link to another site, which gets no hold of this tab. */
export function outside(url, text, className = "") {
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: className || null }, text);
}

/** Return a button that works once at a time; it keeps the focus while it works. */
export function button(text, work, className = "") {
  const element = h("button", { type: "button", class: className || null }, text);
  element.addEventListener("click", () => busy(element, work));
  return element;
}

/** Run *work* unless *element* is still busy with what it was told before. */
export async function busy(element, work) {
  if (element.getAttribute("aria-disabled") === "true") return;
  element.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    element.removeAttribute("aria-disabled");
  }
}

/** Return a notice. @param {"good"|"bad"|"plain"} kind */
export function notice(kind, ...children) {
  return h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, ...children);
}

/** Return what went wrong, in words: title and detail of a problem, and by which id its owner finds it in the logs. */
export function problemNotice(app, error, ...more) {
  return notice("bad", ...problemWords(app, error), ...more, requestId(app, error));
}

/** Return title and detail of what went wrong as paragraphs. */
export function problemWords(app, error) {
  const { t } = app.language;
  if (error instanceof Unreachable) {
    return [h("p", { class: "title" }, t("silent.title")), h("p", {}, t("silent.detail", { api: app.config.api }))];
  }
  if (!(error instanceof Problem)) throw error;
  const wait = error.retryAfter ? t("problem.wait", { seconds: error.retryAfter }) : "";
  return [
    h("p", { class: "title" }, error.title || t("problem.untitled", { status: error.status })),
    error.detail && error.detail !== error.title && h("p", {}, error.detail),
    wait && h("p", {}, wait),
  ];
}

/** Return the request's id, small; null if there is none. */
export function requestId(app, error) {
  if (!error.requestId) return null;
  return h("p", { class: "request-id" }, app.language.t("problem.request"), " ", h("code", {}, error.requestId));
}

/** Return a button with which something is done and the outcome said; errors appear in *place*. */
export function actionButton(app, text, work, place, className = "") {
  return button(
    text,
    async () => {
      place.replaceChildren();
      try {
        await work();
      } catch (error) {
        place.replaceChildren(problemNotice(app, error));
      }
    },
    className,
  );
}

/** Ask before something that cannot be undone; whether the answer is yes. @returns {Promise<boolean>} */
export function ask(app, question, yes) {
  const { t } = app.language;
  return new Promise((resolve) => {
    const answer = (value) => ({ on: { click: () => dialog.close(value) } });
    const dialog = h(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-question" },
      h("p", { id: "ask-question" }, question),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "primary", ...answer("yes") }, yes),
        h("button", { type: "button", ...answer("") }, t("no")),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
