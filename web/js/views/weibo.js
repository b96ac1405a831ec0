/** Somebody whom a provider knows and the shop does not: bind to an account, or register one. */

import { h } from "../dom.js";
import { makeForm } from "../form.js";
import { at, dropTicket, nameOf, ticketOf } from "../oauth.js";
import { actionButton, cardView, link } from "../parts.js";
import { providerButton, providerButtons } from "../providerbutton.js";
import { accountFields } from "./register.js";

export function weibo(app) {
  const { t, rich } = app.language;
  const held = ticketOf(app.store);
  const forOneself = held?.purpose === "bind"; // good for whoever left, while he is logged in, and for nobody else
  if (!held || (forOneself && !app.session.isOpen))
    return cardView(
      t("weibo.over.title"),
      h("p", { class: "lead" }, t("weibo.over")),
      providerButtons(app),
      h("p", { class: "aside" }, link("/login", t("login.go"))),
    );

  const provider = nameOf(app, held.provider);
  const bind = async (more, as = "none") => {
    const { ticket, verifier } = held;
    const { body } = await app.api.call("POST", at(held.provider, "/bindings"), {
      body: { ticket, verifier, ...more },
      as,
    });
    dropTicket(app.store);
    app.session.begin(body);
    app.arrive(held.returnTo || "/account", t("weibo.bound", { provider, name: held.name, username: body.username }));
  };
  const help = ({ code }) => (code === "ticket-invalid" ? [providerButton(app, held.provider, t("provider.again", { provider }))] : []);
  const known = makeForm(app, {
    name: "bind",
    fields: [
      { name: "username", label: t("login.name"), autocomplete: "username", required: true },
      {
        name: "password",
        label: t("password.label"),
        kind: "password",
        autocomplete: "current-password",
        required: true,
      },
    ],
    submit: t("weibo.bind"),
    help,
    send: (values) => bind(values),
  });
  const fresh = makeForm(app, {
    name: "join",
    fields: accountFields(t),
    submit: t("weibo.join"),
    help,
    send: (values) => bind({ register: values }),
  });
  const title = t("weibo.title", { provider });
  const picture = held.avatar
    ? h("img", { src: held.avatar, alt: "", width: 64, height: 64, referrerpolicy: "no-referrer" })
    : null;
  return {
    title,
    wide: true,
    nodes: [
      h(
        "div",
        { class: "greeting" },
        picture,
        h(
          "div",
          {},
          h("h1", { tabindex: -1 }, rich("weibo.hello", { name: h("bdi", {}, held.name || provider) })),
          h("p", { class: "lead" }, t("weibo.lead", { provider })),
        ),
      ),
      app.session.isOpen ? present(app, bind) : null,
      forOneself
        ? null
        : h(
            "div",
            { class: "pair" },
            part("bind", t("weibo.known"), t("weibo.known.lead", { provider }), known),
            part("join", t("weibo.new"), t("weibo.new.lead"), fresh),
          ),
    ].filter(Boolean),
  };
}

function part(name, title, lead, form) {
  const id = `${name}-title`;
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), h("p", {}, lead), form.element);
}

/** Whoever is logged in already may bind to that account, if he proved himself lately. */
function present(app, bind) {
  const { t } = app.language;
  const place = h("div", { "aria-live": "polite" });
  const username = app.session.username;
  return h(
    "section",
    { class: "card", "aria-labelledby": "present-title" },
    h("h2", { id: "present-title" }, t("weibo.present", { username })),
    h("p", {}, t("weibo.present.lead")),
    place,
    h(
      "div",
      { class: "actions" },
      actionButton(app, t("weibo.present.bind", { username }), () => bind({}, "session"), place, "primary"),
    ),
  );
}
