/**
 * What the labs share: how they ask the sandbox, and how experiments are offered.
 *
 * A lab calls /labs/… at the sandbox, which runs the very code of the shop in a place where nothing can be harmed.
 *
 * This file knows requests and lists; it does not know what any lab is about.
 */

import { h } from "../dom.js";
import { link, notice } from "../parts.js";

/** A lab did not answer, or refused; *message* is what it says. */
export class LabError extends Error {}

/**
 * Ask a lab.
 * @param {import("../app.js").App} app
 * @param {string} method
 * @param {string} path   below /labs
 * @param {any} [body]
 */
export async function ask(app, method, path, body) {
  let response;
  try {
    response = await fetch(`${app.config.weibo}/labs${path}`, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new LabError(app.language.t("lab.silent"));
  }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new LabError(app.language.told(told.error ?? String(response.status)));
  return told;
}

/** Run *work*; what a lab refuses is told in *place*. */
export async function telling(place, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    place.replaceChildren(notice("bad", h("p", {}, error.message)));
  }
}

/** Return a lab's view. @returns {import("../parts.js").View} */
export function labView(app, name, ...children) {
  const { t } = app.language;
  const title = t(`lab.${name}.title`);
  return {
    title,
    wide: true,
    nodes: [
      h(
        "header",
        { class: "room-head" },
        h("p", { class: "crumb" }, link("/labs", t("labs.title"))),
        h("h1", { tabindex: -1 }, title),
        h("p", { class: "lead" }, t(`lab.${name}.lead`)),
      ),
      ...children,
    ],
  };
}

/**
 * Return the experiments of a lab, to choose from.
 * @param {import("../app.js").App} app
 * @param {string} lab
 * @param {string[]} names
 * @param {string} chosen
 * @param {(name: string) => void} choose
 */
export function experiments(app, lab, names, chosen, choose) {
  const { t } = app.language;
  const items = names.map((name) =>
    h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          id: `experiment-${name}`,
          "aria-pressed": String(name === chosen),
          on: { click: () => choose(name) },
        },
        h("b", {}, t(`lab.${lab}.${name}`)),
        h("span", {}, t(`lab.${lab}.${name}.do`)),
      ),
    ),
  );
  return h(
    "nav",
    { class: "experiments", "aria-label": t("lab.experiments") },
    h("h2", {}, t("lab.experiments")),
    h("ol", {}, items),
  );
}

/** Mark the chosen experiment in a list that stands already. */
export function mark(list, chosen) {
  for (const button of list.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.id === `experiment-${chosen}`));
  }
}

/** Return what an experiment teaches, to be opened after a guess. */
export function lesson(app, lab, name) {
  const { t } = app.language;
  return h(
    "details",
    { class: "lesson" },
    h("summary", {}, t(lab === "queue" ? "lab.guess.queue" : "lab.guess")),
    h("p", {}, t(`lab.${lab}.${name}.why`)),
  );
}
