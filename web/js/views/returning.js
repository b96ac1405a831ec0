/** Back from a provider: what is going on, or what went wrong, and the way back. */

import { h } from "../dom.js";
import { cardView, link, notice, problemNotice } from "../parts.js";
import { nameOf } from "../oauth.js";
import { providerButton } from "../providerbutton.js";

/**
 * @typedef {object} Outcome
 * @property {string} provider  who sent the browser here
 * @property {string} kind      "waiting", "refused", or what oauth.js thinks of the return
 * @property {Error|null} error the API's problem, for "refused"
 * @property {boolean} denied   whether the provider says that the person did not consent
 */

export function returning(app, { provider: from, kind, error, denied }) {
  const { t } = app.language;
  const provider = nameOf(app, from);
  if (kind === "waiting") {
    return cardView(
      t("returning.title", { provider }),
      h("p", { class: "lead" }, t("returning.waiting", { provider })),
      h("div", { class: "stitching", "aria-hidden": "true" }),
    );
  }
  // A provider may leave the state out of a refusal; nothing was consented to, and nobody need be asked.
  const which = denied ? "denied" : kind;
  const told =
    denied || !error
      ? notice(
          denied ? "plain" : "bad",
          h("p", { class: "title" }, t(`returning.${which}`, { provider })),
          h("p", {}, t(`returning.${which}.detail`, { provider })),
        )
      : problemNotice(app, error);
  return cardView(
    t(denied ? "returning.denied.title" : "returning.failed"),
    told,
    h("p", { class: "quiet" }, t("returning.nothing-happened")),
    providerButton(app, from, t("provider.again", { provider })),
    h("p", { class: "aside" }, link("/login", t("returning.back")), " · ", link("/", t("home.go"))),
  );
}
