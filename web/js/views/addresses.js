/** All of one's addresses, drawn as luggage tags. */

import { ofUser } from "../api.js";
import { accountView } from "../accountframe.js";
import { h } from "../dom.js";
import { actionButton, ask, link } from "../parts.js";

export async function addresses(app) {
  const { t } = app.language;
  const path = ofUser(app.session.username, "/addresses");
  const { body } = await app.api.call("GET", path, { query: { limit: 20 } });
  const place = h("div", { "aria-live": "polite" });
  const list = h(
    "ul",
    { class: "tags" },
    body.items.map((item) => tag(app, path, item, place)),
  );
  const more = h("div", { class: "actions" });
  const offer = (cursor) =>
    more.replaceChildren(...(cursor ? [actionButton(app, t("addresses.more"), () => next(cursor), place)] : []));
  const next = async (cursor) => {
    const page = await app.api.call("GET", path, { query: { limit: 20, cursor } });
    list.append(...page.body.items.map((item) => tag(app, path, item, place)));
    offer(page.body.next);
  };
  offer(body.next);
  return accountView(
    app,
    "/addresses",
    t("addresses.title"),
    h("p", { class: "lead" }, t(body.items.length ? "addresses.lead" : "addresses.none")),
    place,
    list,
    more,
    h("p", {}, link("/addresses/new", t("addresses.add"), "button primary")),
  );
}

function tag(app, path, item, place) {
  const { t } = app.language;
  const mine = `${path}/${item.id}`;
  const remove = async () => {
    if (!(await ask(app, t("address.delete.ask", { receiver: item.receiver }), t("address.delete.yes")))) return;
    const { body, etag } = await app.api.call("GET", mine); // the list tells no versions
    const isSame = Object.keys(item).every((name) => body[name] === item[name]);
    if (isSame) await app.api.call("DELETE", mine, { ifMatch: etag });
    await app.stage.again();
    app.say(t(isSame ? "address.deleted" : "address.changed"), isSame ? "good" : "bad");
  };
  const prefer = async () => {
    await app.api.call("PUT", `${path}/default`, { body: { id: item.id } });
    await app.stage.again();
    app.say(t("address.preferred", { receiver: item.receiver }));
  };
  const named = (element) => {
    element.setAttribute("aria-label", `${element.textContent}: ${item.receiver}, ${item.detail}`);
    return element;
  };
  return h(
    "li",
    { class: "tag" },
    h(
      "p",
      { class: "receiver" },
      item.receiver,
      item.tag && h("span", { class: "badge" }, item.tag),
      item.is_default && h("span", { class: "badge strong" }, t("address.default")),
    ),
    h("p", {}, [item.region, item.detail, item.postcode].filter(Boolean).join(" · ")),
    h("p", { class: "quiet" }, item.phone),
    h(
      "div",
      { class: "actions" },
      named(link(`/addresses/${item.id}`, t("address.edit"))),
      item.is_default ? null : named(actionButton(app, t("address.prefer"), prefer, place, "quiet")),
      named(actionButton(app, t("address.delete"), remove, place, "quiet")),
    ),
  );
}
