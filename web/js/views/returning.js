/** Back from Weibo: what is going on, or what went wrong, and the way back. */

import { h } from "../dom.js";
import { cardView, link, notice, problemNotice } from "../parts.js";
import { weiboButton } from "../weibobutton.js";

/**
 * @typedef {object} Outcome
 * @property {string} kind      "waiting", "refused", or what oauth.js thinks of the return
 * @property {Error|null} error the API's problem, for "refused"
 * @property {boolean} denied   whether Weibo says that the person did not consent
 */

export function returning(app, { kind, error, denied }) {
  const { t } = app.language;
  if (kind === "waiting") {
    return cardView(
      t("returning.title"),
      h("p", { class: "lead" }, t("returning.waiting")),
      h("div", { class: "stitching", "aria-hidden": "true" }),
    );
  }
  // A provider may leave the state out of a refusal; nothing was consented to, and nobody need be asked.
  const which = denied ? "denied" : kind;
  const told =
    denied || !error
      ? notice(
          denied ? "plain" : "bad",
          h("p", { class: "title" }, t(`returning.${which}`)),
          h("p", {}, t(`returning.${which}.detail`)),
        )
      : problemNotice(app, error);
  return cardView(
    t(denied ? "returning.denied.title" : "returning.failed"),
    told,
    h("p", { class: "quiet" }, t("returning.nothing-happened")),
    weiboButton(app, t("weibo.again")),
    h("p", { class: "aside" }, link("/login", t("returning.back")), " · ", link("/", t("home.go"))),
  );
}
