/** One's own profile. */

import { ofUser } from "../api.js";
import { accountView } from "../accountframe.js";
import { h } from "../dom.js";
import { LANGUAGES } from "../language.js";
import { notice } from "../parts.js";
import { resendButton } from "../resend.js";
import { versionedForm } from "../versioned.js";

export async function account(app) {
  const { t } = app.language;
  const path = ofUser(app.session.username);
  const read = () => app.api.call("GET", path);
  const seen = app.stage.memo ?? (await read());
  const form = versionedForm(app, {
    name: "profile",
    seen,
    fields: fields(t, seen.body),
    submit: t("save"),
    read,
    write: (values, etag) => app.api.call("PATCH", path, { body: values, ifMatch: etag }),
    done: () => app.say(t("account.saved")),
  });
  const profile = seen.body;
  const mail = h(
    "span",
    { class: profile.email_verified ? "badge good" : "badge" },
    t(profile.email_verified ? "account.proved" : "account.unproved"),
  );
  const facts = [
    [t("account.name"), profile.username],
    [t("account.email"), [profile.email, " ", mail]],
    [t("account.since"), app.language.moment(profile.created_at, { dateStyle: "long" })],
  ];
  return accountView(
    app,
    "/account",
    t("account.title"),
    h(
      "dl",
      { class: "facts" },
      facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    profile.email_verified
      ? null
      : notice("plain", h("p", {}, t("account.prove")), resendButton(app, profile.username)),
    h(
      "section",
      { class: "card", "aria-labelledby": "profile-title" },
      h("h2", { id: "profile-title" }, t("account.edit")),
      form.element,
    ),
  );
}

/** @returns {import("../form.js").Field[]} */
function fields(t, profile) {
  /** @type {[string, string][]} */
  const languages = LANGUAGES.map(({ code, name }) => [code, name]);
  if (!languages.some(([code]) => code === profile.language))
    languages.push([profile.language, profile.language || t("account.language.none")]);
  return [
    { name: "nickname", label: t("account.nickname"), autocomplete: "nickname", half: true },
    { name: "phone", label: t("account.phone"), kind: "tel", autocomplete: "tel", half: true },
    { name: "about", label: t("account.about"), kind: "textarea" },
    {
      name: "language",
      label: t("account.language"),
      kind: "select",
      options: languages,
      hint: t("account.language.hint"),
      required: true,
    },
  ];
}
