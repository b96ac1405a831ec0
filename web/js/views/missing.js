/** There is nothing at this address. */

import { h } from "../dom.js";
import { cardView, link } from "../parts.js";

export function missing(app) {
  const { t } = app.language;
  return cardView(
    t("missing.title"),
    h("p", { class: "lead" }, t("missing.lead")),
    h("p", {}, link("/", t("home.go"), "button primary")),
  );
}
