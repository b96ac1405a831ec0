/**
 * A form over something that has a version (RFC 9110 §13.1.1): a change names the version that was seen, If-Match, and
 * whoever was slower overwrites nothing: the API answers 412, and here both versions are shown, with a way on for each.
 *
 * This file knows versions; it does not know what is edited.
 */

import { h, fill } from "./dom.js";
import { makeForm } from "./form.js";
import { button, notice } from "./parts.js";
import { Problem } from "./problems.js";

/**
 * Return the form.
 * @param {import("./app.js").App} app
 * @param {object} what  as for makeForm; and
 * @param {string} what.name
 * @param {import("./form.js").Field[]} what.fields
 * @param {string} what.submit
 * @param {Node[]} [what.after]
 * @param {import("./api.js").Reply} what.seen  the answer that is edited: its body and its ETag; what comes after it is
 *                                              left in the stage's memo
 * @param {() => Promise<import("./api.js").Reply>} what.read
 * @param {(values: Record<string, string>, etag: string) => Promise<import("./api.js").Reply>} what.write
 * @param {(reply: import("./api.js").Reply) => void} what.done
 */
export function versionedForm(app, { seen, read, write, done, fields, ...what }) {
  const place = h("div", { class: "conflict", tabindex: -1 });
  app.stage.memo = seen;

  const save = async (values) => {
    fill(place);
    try {
      app.stage.memo = await write(values, app.stage.memo.etag);
      done(app.stage.memo);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 412) throw error;
      const now = await read();
      app.stage.memo = now;
      fill(
        place,
        conflict(app, fields, now.body, values, {
          mine: () => form.element.requestSubmit(),
          theirs: () => {
            form.set(now.body);
            fill(place);
            form.focus();
          },
        }),
      );
      place.focus();
    }
  };
  const form = makeForm(app, {
    ...what,
    fields: fields.map((field) => ({ ...field, value: seen.body[field.name] ?? field.value })),
    send: save,
  });
  form.element.querySelector(".actions").before(place);
  return form;
}

function conflict(app, fields, stored, mine, { theirs, mine: keep }) {
  const { t } = app.language;
  const apart = fields.filter(({ name }) => (stored[name] ?? "") !== mine[name]);
  const shown = (value) => (value ? value : h("em", {}, t("conflict.empty")));
  const rows = apart.map(({ name, label }) =>
    h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, shown(stored[name])), h("td", {}, shown(mine[name]))),
  );
  const head = h(
    "tr",
    {},
    h("td"),
    h("th", { scope: "col" }, t("conflict.stored")),
    h("th", { scope: "col" }, t("conflict.yours")),
  );
  return notice(
    "plain",
    h("p", { class: "title" }, t("conflict.title")),
    h("p", {}, t(apart.length ? "conflict.detail" : "conflict.same")),
    apart.length ? h("table", {}, h("thead", {}, head), h("tbody", {}, rows)) : null,
    h("div", { class: "actions" }, button(t("conflict.mine"), keep, "primary"), button(t("conflict.theirs"), theirs)),
  );
}
