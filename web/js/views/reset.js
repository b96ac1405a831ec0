/** A forgotten password: asking for a letter, and the end of that letter's link. */

import { h } from "../dom.js";
import { makeForm } from "../form.js";
import { cardView, link, notice, outside } from "../parts.js";
import { Problem } from "../problems.js";

export function forgot(app) {
  const { t, rich } = app.language;
  const { stage } = app;
  if (stage.memo) {
    return cardView(
      t("registered.title"),
      notice("good", h("p", {}, rich("forgot.done", { email: h("strong", {}, stage.memo) }))),
      h("p", {}, outside(app.config.mailbox, t("registered.mailbox"), "button primary")),
      h("p", { class: "aside" }, link("/login", t("login.go"))),
    );
  }
  const form = makeForm(app, {
    name: "forgot",
    fields: [{ name: "email", label: t("register.email"), kind: "email", autocomplete: "email", required: true }],
    submit: t("forgot.submit"),
    send: async (values) => {
      await app.api.call("POST", "/v1/password-resets", { body: values, as: "none" });
      stage.memo = values.email;
      await stage.again({ keep: true, focus: true });
    },
  });
  return cardView(
    t("forgot.title"),
    h("p", { class: "lead" }, t("forgot.lead")),
    form.element,
    h("p", { class: "aside" }, link("/login", t("login.go"))),
  );
}

export function reset(app, { token }) {
  const { t } = app.language;
  const form = makeForm(app, {
    name: "reset",
    fields: [
      {
        name: "password",
        label: t("password.new"),
        hint: t("password.hint"),
        kind: "password",
        autocomplete: "new-password",
        required: true,
      },
    ],
    submit: t("reset.submit"),
    help: (error) => (error.code === "reset-invalid" ? [h("p", {}, link("/reset", t("reset.again")))] : []),
    send: async (values) => {
      await app.api.call("PUT", `/v1/password-resets/${encodeURIComponent(token)}`, { body: values, as: "none" });
      if (app.session.isOpen) await stillOpen(app);
      app.arrive("/login", t("reset.done"));
    },
  });
  return cardView(t("reset.title"), h("p", { class: "lead" }, t("reset.lead")), form.element);
}

/** Whether this tab's session was among those that ended, the API knows; the session ends here, too, if it says so. */
async function stillOpen(app) {
  try {
    await app.api.call("GET", "/v1/tokens");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}
