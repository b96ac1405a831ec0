/**
 * The lessons: a list of them, and each as a page to read, in the language of the moment.
 *
 * What is shown was rendered from docs/lessons before (`make lessons`) and is a file of this origin, like a script.
 */

import { h } from "../dom.js";
import { link, view } from "../parts.js";
import { missing } from "./missing.js";

/** @typedef {{name: string, en: {title: string, lead: string}, zh: {title: string, lead: string}}} Lesson */

/** The list. */
export async function lessons(app) {
  const { t } = app.language;
  const known = await index();
  const items = known.map((lesson) => {
    const { title, lead } = lesson[language(app)];
    return h(
      "li",
      { class: "card lesson-card" },
      h("h2", {}, link(`/lessons/${lesson.name}`, title)),
      h("p", {}, plain(lead)),
    );
  });
  return { ...view(t("lessons.title"), h("p", { class: "lead" }, t("lessons.lead")), h("ol", {}, items)), wide: true };
}

/** One lesson, with its chapters beside it and its neighbours below. */
export async function lesson(app, { name }) {
  const { t } = app.language;
  const known = await index();
  const at = known.findIndex((one) => one.name === name);
  if (at < 0) return missing(app);
  const { title } = known[at][language(app)];
  const body = h("div", { class: "lesson-body" }, await fragment(`/lessons/${language(app)}/${name}.html`));
  return {
    title,
    wide: true,
    nodes: [
      h(
        "article",
        { class: "lesson" },
        h("header", {}, h("p", { class: "kicker" }, link("/lessons", t("lessons.title"))), h("h1", { tabindex: -1 }, title)),
        chapters(app, body),
        body,
        neighbours(app, known[at - 1], known[at + 1]),
      ),
    ],
  };
}

/** Ways to the chapters: buttons, since the part behind "#" of this page's address says which view is shown. */
function chapters(app, body) {
  const { t } = app.language;
  const ways = [...body.querySelectorAll("h2, summary")].map((heading) => {
    if (heading.localName === "h2") heading.tabIndex = -1;
    const go = () => {
      if (heading.localName === "summary") heading.parentElement.open = true;
      heading.scrollIntoView();
      heading.focus({ preventScroll: true });
    };
    return h("li", {}, h("button", { type: "button", class: "chapter", on: { click: go } }, heading.textContent));
  });
  return h("nav", { class: "chapters", "aria-label": t("lessons.chapters") }, h("ol", {}, ways));
}

function neighbours(app, before, after) {
  const { t } = app.language;
  const way = (lesson, key, className) =>
    lesson && h("p", { class: className }, h("span", {}, t(key)), link(`/lessons/${lesson.name}`, lesson[language(app)].title));
  return h(
    "nav",
    { class: "neighbours", "aria-label": t("lessons.more") },
    way(before, "lessons.before", "before"),
    way(after, "lessons.after", "after"),
  );
}

function language(app) {
  return app.language.code.slice(0, 2);
}

/** Return a paragraph of Markdown without the marks that mean emphasis or code. */
function plain(text) {
  return text.replaceAll(/[*`]/g, "");
}

/** @returns {Promise<Lesson[]>} */
async function index() {
  return (await file("/lessons/index.json")).json();
}

async function fragment(path) {
  const text = await (await file(path)).text();
  return [...new DOMParser().parseFromString(text, "text/html").body.childNodes];
}

async function file(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return response;
}
