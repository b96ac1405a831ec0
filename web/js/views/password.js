/** How one logs in: changing the password (every other session ends), and the accounts elsewhere. */

import { ofUser } from "../api.js";
import { accountView } from "../accountframe.js";
import { h } from "../dom.js";
import { makeForm } from "../form.js";
import { identities } from "../identities.js";

export async function password(app) {
  const { t } = app.language;
  const { username } = app.session;
  const form = makeForm(app, {
    name: "password",
    fields: [
      {
        name: "current_password",
        label: t("password.current"),
        kind: "password",
        autocomplete: "current-password",
        required: true,
      },
      {
        name: "new_password",
        label: t("password.new"),
        kind: "password",
        hint: t("password.hint"),
        autocomplete: "new-password",
        required: true,
      },
    ],
    submit: t("password.submit"),
    send: async (values) => {
      const { body } = await app.api.call("PUT", ofUser(username, "/password"), { body: values });
      app.session.renew(body);
      form.element.reset();
      app.say(t("password.done"));
    },
  });
  // Password managers look for the name that the password belongs to.
  form.element.prepend(
    h("input", {
      type: "text",
      autocomplete: "username",
      readonly: true,
      hidden: true,
      "aria-hidden": "true",
      prop: { value: username },
    }),
  );
  return accountView(
    app,
    "/password",
    t("password.title"),
    h("p", { class: "lead" }, t("password.lead")),
    h("section", { class: "card" }, form.element),
    await identities(app),
  );
}
