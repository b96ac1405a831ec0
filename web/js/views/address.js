/** One address: a new one, or one that is there. */

import { ofUser } from "../api.js";
import { accountView } from "../accountframe.js";
import { h } from "../dom.js";
import { makeForm } from "../form.js";
import { link } from "../parts.js";
import { versionedForm } from "../versioned.js";

export function newAddress(app) {
  const { t } = app.language;
  const form = makeForm(app, {
    name: "address",
    fields: fields(t),
    submit: t("address.add"),
    after: [link("/addresses", t("cancel"))],
    send: async (values, key) => {
      await app.api.call("POST", ofUser(app.session.username, "/addresses"), { body: values, key });
      app.arrive("/addresses", t("address.added"));
    },
  });
  return accountView(app, "/addresses", t("address.new"), h("section", { class: "card" }, form.element));
}

export async function address(app, { id }) {
  const { t } = app.language;
  const path = ofUser(app.session.username, `/addresses/${encodeURIComponent(id)}`);
  const read = () => app.api.call("GET", path);
  const form = versionedForm(app, {
    name: "address",
    seen: app.stage.memo ?? (await read()),
    fields: fields(t),
    submit: t("save"),
    after: [link("/addresses", t("cancel"))],
    read,
    write: (values, etag) => app.api.call("PUT", path, { body: values, ifMatch: etag }),
    done: () => app.arrive("/addresses", t("address.saved")),
  });
  return accountView(app, "/addresses", t("address.title"), h("section", { class: "card" }, form.element));
}

/** @returns {import("../form.js").Field[]} */
function fields(t) {
  return [
    { name: "receiver", label: t("address.receiver"), autocomplete: "shipping name", required: true, half: true },
    { name: "phone", label: t("address.phone"), kind: "tel", autocomplete: "shipping tel", required: true, half: true },
    {
      name: "region",
      label: t("address.region"),
      hint: t("address.region.hint"),
      autocomplete: "shipping address-level1",
    },
    { name: "detail", label: t("address.detail"), autocomplete: "shipping street-address", required: true },
    { name: "postcode", label: t("address.postcode"), autocomplete: "shipping postal-code", half: true },
    { name: "tag", label: t("address.tag"), hint: t("address.tag.hint"), autocomplete: "off", half: true },
  ];
}
