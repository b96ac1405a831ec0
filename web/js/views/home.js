/** The front of the shop: what this is, a shelf of bags, and a picture of what one click sets off. */

import { BAGS, drawing } from "../bags.js";
import { h } from "../dom.js";
import { flowPicture } from "../flowpicture.js";
import { link } from "../parts.js";

export function home(app) {
  const { t } = app.language;
  return {
    title: t("home.title"),
    wide: true,
    nodes: [hero(app), shelf(app), flow(app)],
  };
}

function hero(app) {
  const { t } = app.language;
  const ways = app.session.isOpen
    ? [link("/account", t("account.go"), "button primary"), link("/addresses", t("addresses.tab"), "button")]
    : [link("/register", t("register.go"), "button primary"), link("/login", t("login.go"), "button")];
  const [, pack, satchel] = BAGS;
  return h(
    "section",
    { class: "hero" },
    h(
      "div",
      { class: "words" },
      h("p", { class: "kicker" }, t("home.kicker")),
      h("h1", { tabindex: -1 }, t("home.h1.bags"), " ", h("span", { class: "wired" }, t("home.h1.wire"))),
      h("p", { class: "lead" }, t("home.lead")),
      h("div", { class: "actions" }, ways),
    ),
    h("div", { class: "window" }, drawing(pack), drawing(satchel)),
  );
}

function shelf(app) {
  const { t, code } = app.language;
  const price = new Intl.NumberFormat(code, {
    style: "currency",
    currency: "CNY",
    currencyDisplay: "narrowSymbol",
    maximumFractionDigits: 0,
  });
  const items = BAGS.map((bag) =>
    h(
      "li",
      { class: `item ${bag.colour}` },
      drawing(bag),
      h("h3", {}, t(`bag.${bag.name}`)),
      h("p", { class: "stuff" }, t(`bag.${bag.name}.stuff`)),
      h("p", { class: "price" }, price.format(bag.price)),
    ),
  );
  return h(
    "section",
    { class: "shelf", "aria-labelledby": "shelf-title" },
    h(
      "div",
      { class: "head" },
      h("h2", { id: "shelf-title" }, t("shelf.title")),
      h("p", { class: "quiet" }, t("shelf.note")),
    ),
    h("ul", {}, items),
  );
}

function flow({ config, language: { t } }) {
  const portOf = (url) => new URL(url).port;
  const ports = { page: portOf(location.href), api: portOf(config.api), world: portOf(config.weibo) };
  const steps = [1, 2, 3, 4, 5].map((number) =>
    h("li", {}, h("strong", {}, t(`flow.${number}`)), " ", t(`flow.${number}.more`)),
  );
  return h(
    "section",
    { class: "travels", "aria-labelledby": "flow-head" },
    h("div", { class: "card label" }, flowPicture(t, ports)),
    h(
      "div",
      {},
      h("h2", { id: "flow-head" }, t("flow.head")),
      h("p", { class: "lead" }, t("flow.lead")),
      h("ol", { class: "beads" }, steps),
    ),
  );
}
