/**
 * The buttons that lead to where one has an account already.
 *
 * This file knows where a button leads; the flow is in oauth.js.
 */

import { h, ornament, s } from "./dom.js";
import { leave, nameOf } from "./oauth.js";
import { busy, problemNotice } from "./parts.js";

/** Return the providers that one may go to: Weibo, and those that the page's configuration names. */
export function providersOf(app) {
  return ["weibo", ...(app.config.providers ?? [])];
}

/** Return a button for each provider, to log in there. */
export function providerButtons(app) {
  return h("div", { class: "providers" }, providersOf(app).map((name) => providerButton(app, name)));
}

/**
 * Return the button that leads to a provider, with room for what may go wrong.
 * @param {import("./app.js").App} app
 * @param {string} provider
 * @param {string} text
 * @param {{purpose?: import("./oauth.js").Purpose, returnTo?: string}} what  as for `leave`
 */
export function providerButton(
  app,
  provider,
  text = app.language.t("provider.go", { provider: nameOf(app, provider) }),
  what = { returnTo: app.wanted.path },
) {
  const place = h("div");
  const glyph = ornament(
    "0 0 24 24",
    "glyph",
    s("ellipse", { cx: 10.5, cy: 14.5, rx: 8, ry: 6 }),
    s("circle", { class: "pupil", cx: 9.8, cy: 14.6, r: 2.6 }),
    s("path", { class: "waves", d: "M15.5 6.5a4 4 0 0 1 3.6 5.4M15.8 3a7.4 7.4 0 0 1 6.5 9.6" }),
  );
  const element = h(
    "button",
    { type: "button", class: `provider ${provider}` },
    provider === "weibo" ? glyph : null,
    text,
  );
  element.addEventListener("click", () =>
    busy(element, async () => {
      try {
        location.assign(await leave(app.api, app.store, provider, what));
      } catch (error) {
        place.replaceChildren(problemNotice(app, error));
      }
    }),
  );
  return h("div", {}, element, place);
}
