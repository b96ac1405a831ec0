/**
 * The accounts elsewhere that one may log in with: shown, taken away, and one more bound.
 *
 * This file knows what is bound; the way to a provider is in providerbutton.js.
 */

import { ofUser } from "./api.js";
import { h } from "./dom.js";
import { nameOf } from "./oauth.js";
import { actionButton, ask } from "./parts.js";
import { Problem } from "./problems.js";
import { providerButton, providersOf } from "./providerbutton.js";

/** Return the card that tells of them. @param {import("./app.js").App} app */
export async function identities(app) {
  const { t } = app.language;
  const { body } = await app.api.call("GET", ofUser(app.session.username, "/identities"));
  const place = h("div", { "aria-live": "polite" });
  return h(
    "section",
    { class: "card", "aria-labelledby": "identities-title" },
    h("h2", { id: "identities-title" }, t("identities.title")),
    place,
    body.items.length
      ? h(
          "ul",
          { class: "devices" },
          body.items.map((item) => identity(app, item, place)),
        )
      : h("p", {}, t("identities.none")),
    providersOf(app)
      .filter((provider) => !body.items.some((item) => item.provider === provider))
      .map((provider) => bindButton(app, provider)),
  );
}

function bindButton(app, provider) {
  const text = app.language.t("identities.bind", { provider: nameOf(app, provider) });
  return providerButton(app, provider, text, { purpose: "bind", returnTo: "/password" });
}

function identity(app, item, place) {
  const { t } = app.language;
  const provider = nameOf(app, item.provider);
  const unbind = async () => {
    if (!(await ask(app, t("identities.unbind.ask", { provider }), t("identities.unbind")))) return;
    try {
      await app.api.call("DELETE", ofUser(app.session.username, `/identities/${item.provider}`));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "reauth-failed") throw error;
      app.say(t("identities.again"), "bad");
      return;
    }
    await app.stage.again();
    app.say(t("identities.unbound", { provider }));
  };
  const since = app.language.moment(item.bound_at, { dateStyle: "long" });
  return h(
    "li",
    { class: "device" },
    h(
      "div",
      {},
      h("p", { class: "receiver" }, provider),
      h("p", { class: "quiet" }, t("identities.since", { name: item.name, since })),
    ),
    h("div", { class: "actions" }, actionButton(app, t("identities.unbind"), unbind, place)),
  );
}
