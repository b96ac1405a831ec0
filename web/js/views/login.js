/** Logging in, with a password or by way of Weibo. */

import { h } from "../dom.js";
import { makeForm } from "../form.js";
import { cardView, link, notice } from "../parts.js";
import { resendButton } from "../resend.js";
import { providerButtons } from "../providerbutton.js";

export function logIn(app) {
  const { t, rich } = app.language;
  const form = makeForm(app, {
    name: "login",
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
    submit: t("login.submit"),
    after: [link("/reset", t("login.forgot"))],
    help: (error) => (error.code === "account-not-activated" ? [resendButton(app, form.values().username)] : []),
    send: async (values) => {
      const { body } = await app.api.call("POST", "/v1/tokens", { body: values, as: "none" });
      app.session.begin(body);
      const path = app.wanted.path || "/account";
      app.wanted.path = "";
      app.arrive(path, t("login.done", { name: body.username }));
    },
  });
  const already = app.session.isOpen
    ? notice(
        "plain",
        h(
          "p",
          {},
          rich("login.already", { name: h("strong", {}, app.session.username) }),
          " ",
          link("/account", t("account.go")),
        ),
      )
    : null;
  return cardView(
    t("login.title"),
    already,
    form.element,
    h("p", { class: "or" }, h("span", {}, t("or"))),
    providerButtons(app),
    h("p", { class: "aside" }, t("login.new"), " ", link("/register", t("register.go"))),
  );
}
