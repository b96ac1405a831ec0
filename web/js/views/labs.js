/** The labs: where one may break things. */

import { h } from "../dom.js";
import { link } from "../parts.js";

const LABS = ["token", "cors", "queue", "oauth"];

export function labs(app) {
  const { t } = app.language;
  const cards = LABS.map((name) =>
    h(
      "li",
      { class: `card lab-card ${name}` },
      h("h2", {}, link(`/labs/${name}`, t(`lab.${name}.title`))),
      h("p", {}, t(`lab.${name}.lead`)),
      h("p", { class: "quiet" }, t(`lab.${name}.count`)),
    ),
  );
  return {
    title: t("labs.title"),
    wide: true,
    nodes: [
      h(
        "header",
        { class: "room-head" },
        h("h1", { tabindex: -1 }, t("labs.title")),
        h("p", { class: "lead" }, t("labs.lead")),
      ),
      h("ul", { class: "lab-cards" }, cards),
    ],
  };
}
