/**
 * The frame of one's own views: a heading, and the way to the others.
 *
 * This file knows which views belong together; it does not know what is in them.
 */

import { h } from "./dom.js";
import { link } from "./parts.js";

const ROOMS = [
  ["/account", "account"],
  ["/addresses", "addresses"],
  ["/sessions", "sessions"],
  ["/events", "events"],
  ["/password", "password"],
];

/**
 * Return a view in the frame.
 * @param {import("./app.js").App} app
 * @param {string} path   which of them it is, or belongs to
 * @param {string} title
 * @param {...any} children
 * @returns {import("./parts.js").View}
 */
export function accountView(app, path, title, ...children) {
  const { t } = app.language;
  const places = ROOMS.map(([room, key]) => {
    const anchor = link(room, t(`${key}.tab`));
    if (room === path) anchor.setAttribute("aria-current", "page");
    return h("li", {}, anchor);
  });
  const nav = h("nav", { class: "rooms", "aria-label": t("account.nav") }, h("ul", {}, places));
  const body = h("div", { class: "room" }, h("h1", { tabindex: -1 }, title), children);
  return { title, wide: true, nodes: [h("div", { class: "house" }, nav, body)] };
}
