/** The button that asks for another activation letter. */

import { h } from "./dom.js";
import { actionButton, notice } from "./parts.js";
import { ofUser } from "./api.js";

/** Return the button, with room for what comes of it: the same, whether there is such an account or not. */
export function resendButton(app, username) {
  const { t } = app.language;
  const place = h("div", { "aria-live": "polite" });
  const send = async () => {
    await app.api.call("POST", ofUser(username, "/activation"), { as: "none" }); // no body: a simple request
    place.replaceChildren(notice("good", h("p", {}, t("resend.done"))));
  };
  return h("div", { class: "resend" }, actionButton(app, t("resend"), send, place), place);
}
