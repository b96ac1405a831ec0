/** What happened to one's account: log-ins, refusals, changes; as the shop recorded it. */

import { ofUser } from "../api.js";
import { accountView } from "../accountframe.js";
import { h } from "../dom.js";
import { actionButton } from "../parts.js";

const AT_ONCE = 20;

export async function events(app) {
  const { t } = app.language;
  const path = ofUser(app.session.username, "/events");
  const { body } = await app.api.call("GET", path, { query: { limit: AT_ONCE } });
  const place = h("div", { "aria-live": "polite" });
  const list = h(
    "ol",
    { class: "devices events" },
    body.items.map((item) => event(app, item)),
  );
  const more = h("div", { class: "actions" });
  const offer = (cursor) =>
    more.replaceChildren(...(cursor ? [actionButton(app, t("events.more"), () => next(cursor), place)] : []));
  const next = async (cursor) => {
    const page = await app.api.call("GET", path, { query: { limit: AT_ONCE, cursor } });
    list.append(...page.body.items.map((item) => event(app, item)));
    offer(page.body.next);
  };
  offer(body.next);
  return accountView(
    app,
    "/events",
    t("events.title"),
    h("p", { class: "lead" }, t("events.lead")),
    place,
    list,
    more,
  );
}

function event(app, item) {
  const { t } = app.language;
  const isGood = item.outcome === "ok";
  return h(
    "li",
    { class: "device" },
    h(
      "div",
      {},
      h(
        "p",
        { class: "receiver" },
        t(`events.kind.${item.kind}`),
        isGood ? null : h("span", { class: "badge", title: item.outcome }, t("events.refused")),
      ),
      h(
        "p",
        { class: "quiet" },
        t("events.times", {
          at: app.language.moment(item.at, { dateStyle: "medium", timeStyle: "medium" }),
          network: item.network || t("sessions.nowhere"),
        }),
      ),
      h("p", { class: "request-id" }, t("problem.request"), " ", h("code", {}, item.request_id)),
    ),
  );
}
