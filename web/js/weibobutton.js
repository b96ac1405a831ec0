/**
 * The button that leads to Weibo.
 *
 * This file knows where the button leads; the flow is in oauth.js.
 */

import { h, ornament, s } from "./dom.js";
import { leave } from "./oauth.js";
import { busy, problemNotice } from "./parts.js";

/** Return the button, with room for what may go wrong. */
export function weiboButton(app, text = app.language.t("weibo.go")) {
  const place = h("div");
  const glyph = ornament(
    "0 0 24 24",
    "glyph",
    s("ellipse", { cx: 10.5, cy: 14.5, rx: 8, ry: 6 }),
    s("circle", { class: "pupil", cx: 9.8, cy: 14.6, r: 2.6 }),
    s("path", { class: "waves", d: "M15.5 6.5a4 4 0 0 1 3.6 5.4M15.8 3a7.4 7.4 0 0 1 6.5 9.6" }),
  );
  const element = h("button", { type: "button", class: "weibo" }, glyph, text);
  element.addEventListener("click", () =>
    busy(element, async () => {
      try {
        location.assign(await leave(app.api, app.store));
      } catch (error) {
        place.replaceChildren(problemNotice(app, error));
      }
    }),
  );
  return h("div", {}, element, place);
}
