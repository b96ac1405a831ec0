/** Where one is logged in, and ending that. */

import { accountView } from "../accountframe.js";
import { deviceName } from "../devices.js";
import { h, ornament, s } from "../dom.js";
import { actionButton, ask } from "../parts.js";

export async function sessions(app) {
  const { t } = app.language;
  const { body } = await app.api.call("GET", "/v1/tokens", { query: { limit: 100 } });
  const place = h("div", { "aria-live": "polite" });
  const here = async () => {
    const told = app.logOut();
    app.arrive("/login", t("logout.done"));
    await told;
  };
  const others = async () => {
    await app.api.call("DELETE", "/v1/tokens", { query: { scope: "others" } });
    await app.stage.again();
    app.say(t("sessions.others.done"));
  };
  const there = async (item) => {
    await app.api.call("DELETE", `/v1/tokens/${item.id}`);
    await app.stage.again();
    app.say(t("sessions.there.done"));
  };
  const everywhere = async () => {
    if (!(await ask(app, t("sessions.all.ask"), t("sessions.all")))) return;
    await app.api.call("DELETE", "/v1/tokens", { query: { scope: "all" } });
    app.session.end("ended");
    app.arrive("/login", t("sessions.all.done"));
  };
  return accountView(
    app,
    "/sessions",
    t("sessions.title"),
    h("p", { class: "lead" }, t("sessions.lead")),
    place,
    h(
      "ul",
      { class: "devices" },
      body.items.map((item) => device(app, item, () => there(item), place)),
    ),
    h(
      "div",
      { class: "actions" },
      actionButton(app, t("sessions.here"), here, place),
      body.items.length > 1 ? actionButton(app, t("sessions.others"), others, place) : null,
      actionButton(app, t("sessions.all"), everywhere, place),
    ),
  );
}

function device(app, item, end, place) {
  const { t } = app.language;
  const { name, isSmall } = deviceName(item.user_agent);
  const now = Date.now();
  return h(
    "li",
    { class: item.current ? "device current" : "device" },
    isSmall
      ? ornament(
          "0 0 40 40",
          "",
          s("rect", { x: 12, y: 5, width: 16, height: 30, rx: 3 }),
          s("path", { d: "M18 31h4" }),
        )
      : ornament(
          "0 0 40 40",
          "",
          s("rect", { x: 7, y: 9, width: 26, height: 17, rx: 2 }),
          s("path", { d: "M3 31h34" }),
        ),
    h(
      "div",
      {},
      h(
        "p",
        { class: "receiver" },
        name || t("sessions.unknown"),
        item.current && h("span", { class: "badge strong" }, t("sessions.current")),
      ),
      h(
        "p",
        { class: "quiet" },
        t("sessions.times", {
          last: app.language.distance(Date.parse(item.last_used_at), now),
          since: app.language.moment(item.created_at),
          network: item.network || t("sessions.nowhere"),
        }),
      ),
    ),
    item.current ? null : h("div", { class: "actions" }, actionButton(app, t("sessions.there"), end, place)),
  );
}
