/** Registering, and the moment after it: a letter is on its way. */

import { h, ornament, s } from "../dom.js";
import { makeForm } from "../form.js";
import { cardView, link, outside } from "../parts.js";
import { resendButton } from "../resend.js";
import { go } from "../router.js";
import { providerButtons } from "../providerbutton.js";

const NAME = "dada.registered";

/** The fields of a new account. @returns {import("../form.js").Field[]} */
export function accountFields(t) {
  return [
    {
      name: "username",
      label: t("register.name"),
      hint: t("register.name.hint"),
      autocomplete: "username",
      required: true,
    },
    {
      name: "email",
      label: t("register.email"),
      hint: t("register.email.hint"),
      kind: "email",
      autocomplete: "email",
      required: true,
    },
    {
      name: "password",
      label: t("password.label"),
      hint: t("password.hint"),
      kind: "password",
      autocomplete: "new-password",
      required: true,
    },
  ];
}

export function register(app) {
  const { t } = app.language;
  const form = makeForm(app, {
    name: "register",
    fields: accountFields(t),
    submit: t("register.submit"),
    send: async (values, key) => {
      await app.api.call("POST", "/v1/users", { body: values, key, as: "none" });
      const { username, email } = values;
      app.store.setItem(NAME, JSON.stringify({ username, email }));
      go("/registered");
    },
  });
  return cardView(
    t("register.title"),
    h("p", { class: "lead" }, t("register.lead")),
    form.element,
    h("p", { class: "or" }, h("span", {}, t("or"))),
    providerButtons(app),
    h("p", { class: "aside" }, t("register.known"), " ", link("/login", t("login.go"))),
  );
}

export function registered(app) {
  const { t, rich } = app.language;
  const kept = JSON.parse(app.store.getItem(NAME) ?? "null");
  if (!kept)
    return cardView(
      t("registered.title"),
      h("p", {}, t("registered.nobody")),
      h("p", {}, link("/register", t("register.go"))),
    );
  return cardView(
    t("registered.title"),
    envelope(),
    h(
      "p",
      { class: "lead" },
      rich("registered.lead", { email: h("strong", {}, kept.email), name: h("strong", {}, kept.username) }),
    ),
    h("p", {}, outside(app.config.mailbox, t("registered.mailbox"), "button primary")),
    h("p", { class: "quiet" }, t("registered.sandbox")),
    h("p", { class: "aside" }, t("registered.wire"), " ", link("/inspector", t("registered.inspect"))),
    h("hr"),
    h("p", {}, t("registered.none")),
    resendButton(app, kept.username),
    h("p", { class: "aside" }, t("activation.old"), " ", link("/login", t("login.go"))),
  );
}

/** An envelope, stamped with the shop's bag. */
function envelope() {
  return ornament(
    "0 0 400 116",
    "envelope",
    s("rect", { class: "paper", x: 1, y: 1, width: 398, height: 114, rx: 6 }),
    s("path", { class: "seam", d: "M10 10H390V106H10Z" }),
    s("path", { class: "flap", d: "M3 3L200 66L397 3" }),
    s("path", { class: "written", d: "M36 76H120M36 90H96" }),
    s("rect", { class: "stamp", x: 336, y: 58, width: 36, height: 42 }),
    s("path", { class: "edge", d: "M336 58H372V100H336Z" }),
    s("path", { class: "motif", d: "M345 76H363L365 91H343ZM350 76V73a4 4 0 0 1 8 0v3" }),
    s("path", { class: "postmark", d: "M322 60a19 19 0 1 0 .1 0ZM322 67a12 12 0 1 0 .1 0Z" }),
    s("path", { class: "postmark", d: "M274 70q8-6 16 0t14 0M274 80q8-6 16 0t14 0M274 90q8-6 16 0t14 0" }),
  );
}
