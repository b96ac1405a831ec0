/**
 * The end of the activation letter's link.
 *
 * It takes a click: programs that look through mail follow links too, and some run scripts.
 */

import { h } from "../dom.js";
import { actionButton, cardView, link, notice } from "../parts.js";

export function activation(app, { token }) {
  const { t } = app.language;
  const { stage, session } = app;
  if (stage.memo === "done") {
    const way = session.isOpen
      ? link("/account", t("account.go"), "button primary")
      : link("/login", t("login.go"), "button primary");
    return cardView(
      t("activation.title"),
      notice("good", h("p", { class: "title" }, t("activation.done")), h("p", {}, t("activation.now"))),
      h("p", {}, way),
    );
  }
  const place = h("div", { "aria-live": "polite" });
  const activate = async () => {
    await app.api.call("POST", "/v1/users/activation", { body: { token } });
    stage.memo = "done";
    await stage.again({ keep: true, focus: true });
  };
  return cardView(
    t("activation.title"),
    h("p", { class: "lead" }, t("activation.lead")),
    place,
    h("div", { class: "actions" }, actionButton(app, t("activation.submit"), activate, place, "primary")),
    h("p", { class: "quiet" }, t("activation.why")),
    h("p", { class: "aside" }, t("activation.old"), " ", link("/login", t("login.go"))),
  );
}
