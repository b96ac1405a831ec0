/**
 * A picture of what one click sets off, for the front of the shop.
 *
 * Three posts, five arrows with numbers; what the numbers mean is told beside it, as a list.
 */

import { s } from "./dom.js";

const POSTS = [
  [58, "page"],
  [180, "api"],
  [302, "world"],
];

/** From, to, height, text on the arrow, kind. @type {[number, number, number, string, string][]} */
const ARROWS = [
  [58, 180, 98, "OPTIONS", "asks"],
  [180, 58, 136, "204", "asks"],
  [58, 180, 180, "POST /v1/users", "sends"],
  [180, 58, 218, "202", "answers"],
  [180, 302, 256, "SMTP", "posts"],
];

/**
 * Return the picture.
 * @param {(key: string) => string} t
 * @param {{page: string, api: string, world: string}} ports
 */
export function flowPicture(t, ports) {
  return s(
    "svg",
    { viewBox: "0 0 360 290", class: "flow", role: "img", "aria-labelledby": "flow-title" },
    s("title", { id: "flow-title" }, t("flow.title")),
    POSTS.map(([x, key]) => post(x, t(`flow.${key}`), `:${ports[key]}`)),
    ARROWS.map((arrow, at) => drawn(arrow, at + 1)),
  );
}

function post(x, name, port) {
  return [
    s("path", { class: "line", d: `M${x} 58V284` }),
    s("path", { class: "tag", d: `M${x - 46} 22L${x - 36} 10H${x + 46}V56H${x - 46}Z` }),
    s("circle", { class: "hole", cx: x - 36, cy: 22, r: 3 }),
    s("text", { class: "name", x: x + 3, y: 31 }, name),
    s("text", { class: "port", x: x + 3, y: 47 }, port),
  ];
}

function drawn([from, to, y, text, kind], number) {
  const back = to < from ? -1 : 1;
  const tip = to - 3 * back;
  const start = from + 22 * back;
  return s(
    "g",
    { class: `arrow ${kind}` },
    s("path", { class: "shaft", d: `M${start} ${y}H${tip - 6 * back}` }),
    s("path", { class: "tip", d: `M${tip} ${y}l${-9 * back}-5v10z` }),
    s("circle", { class: "bead", cx: from + 11 * back, cy: y, r: 10 }),
    s("text", { class: "number", x: from + 11 * back, y: y + 4 }, number),
    s("text", { class: "on", x: (start + tip) / 2, y: y - 7 }, text),
  );
}
