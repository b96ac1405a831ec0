/**
 * Forms: fields with their labels, what is wrong with them beside them, and a summary that leads to each.
 *
 * What may stand in a field is for the API to say; here only what is left empty is held back.  An error of the API
 * names its field by a pointer ("#/email"), and is put beside the field of that name.
 *
 * This file knows fields; it does not know what they mean.
 */

import { h, fill } from "./dom.js";
import { busy, problemWords, requestId } from "./parts.js";
import { Problem, Unreachable, memberOf } from "./problems.js";

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {"text"|"email"|"password"|"tel"|"textarea"|"select"} [kind]
 * @property {string} [value]
 * @property {string} [hint]
 * @property {string} [autocomplete]
 * @property {boolean} [required]
 * @property {[string, string][]} [options]  value and label, for a select
 * @property {boolean} [half]  whether it shares its line with another
 */

/**
 * @typedef {object} Form
 * @property {HTMLFormElement} element
 * @property {() => Record<string, string>} values
 * @property {(values: Record<string, string>) => void} set
 * @property {(error: Error, more?: Node[]) => void} show  tell what went wrong
 * @property {() => void} focus  go to the first field
 */

/**
 * Return a form.
 * @param {import("./app.js").App} app
 * @param {object} what
 * @param {string} what.name     unique in the page
 * @param {Field[]} what.fields
 * @param {string} what.submit   the button's text
 * @param {(values: Record<string, string>, key: string) => Promise<void>} what.send  key: the same for the same values
 *   until they have arrived, so that what is sent again for want of an answer can be told from what is sent anew
 * @param {(error: Problem) => Node[]} [what.help]  what else to say of an error
 * @param {Node[]} [what.after]  beside the button
 * @returns {Form}
 */
export function makeForm(app, { name, fields, submit, send, help = () => [], after = [] }) {
  const inputs = Object.fromEntries(fields.map((field) => [field.name, makeField(app, name, field)]));
  const summary = h("div", { class: "summary", role: "alert", tabindex: -1, hidden: true });
  const button = h("button", { class: "primary" }, submit);
  const element = h(
    "form",
    { id: name, novalidate: true },
    summary,
    h(
      "div",
      { class: "fields" },
      fields.map((field) => inputs[field.name].element),
    ),
    h("div", { class: "actions" }, button, after),
  );
  const values = () => Object.fromEntries(fields.map((field) => [field.name, inputs[field.name].input.value]));
  let keyed = { text: "", key: "" };
  const keyOf = (text) => {
    if (keyed.text !== text) keyed = { text, key: crypto.randomUUID?.() ?? "" }; // no secure context has none
    return keyed.key;
  };

  const clear = () => {
    summary.hidden = true;
    for (const { tell } of Object.values(inputs)) tell("");
  };
  const show = (error, more = []) => {
    clear();
    fill(summary, summaryOf(app, error, inputs), more, requestId(app, error));
    summary.hidden = false;
    summary.focus();
  };
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(button, async () => {
      const empty = fields.filter((field) => field.required && !inputs[field.name].input.value);
      if (empty.length) return show(new Empty(empty, app.language.t));
      clear();
      try {
        await send(values(), keyOf(JSON.stringify(values())));
        keyed = { text: "", key: "" };
      } catch (error) {
        if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
        show(error, error instanceof Problem ? help(error) : []);
      }
    });
  });
  const set = (given) => {
    for (const [key, value] of Object.entries(given)) if (inputs[key]) inputs[key].input.value = value;
  };
  return { element, values, set, show, focus: () => inputs[fields[0].name].input.focus() };
}

/** Fields that must not be empty are: told like the API would, without asking it. */
class Empty extends Problem {
  constructor(fields, t) {
    const errors = fields.map(({ name }) => ({ pointer: `#/${name}`, code: "missing", detail: t("field.missing") }));
    super({ status: 0, ok: false, etag: "", headers: new Headers(), body: { title: t("field.some"), errors } });
  }
}

function summaryOf(app, error, inputs) {
  const words = problemWords(app, error);
  if (!(error instanceof Problem) || !error.errors.length) return words;
  const items = error.errors.map(({ pointer, detail }) => {
    const field = inputs[memberOf(pointer)];
    if (!field) return h("li", {}, `${pointer} ${detail}`);
    field.tell(detail);
    const jump = (event) => {
      event.preventDefault();
      field.input.focus();
    };
    return h("li", {}, h("a", { href: `#${field.input.id}`, on: { click: jump } }, `${field.label}: ${detail}`));
  });
  return [...words, h("ul", {}, items)];
}

function makeField(app, form, field) {
  const id = `${form}-${field.name}`;
  const wrong = h("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const hint = field.hint ? h("p", { class: "hint", id: `${id}-hint` }, field.hint) : null;
  const input = makeInput(id, field);
  const describe = (isWrong) => [isWrong && wrong.id, hint?.id].filter(Boolean).join(" ");
  const tell = (detail) => {
    fill(wrong, detail);
    wrong.hidden = !detail;
    if (detail) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    const said = describe(Boolean(detail));
    if (said) input.setAttribute("aria-describedby", said);
    else input.removeAttribute("aria-describedby");
  };
  tell("");
  const optional = field.required ? null : h("span", { class: "optional" }, app.language.t("field.optional"));
  const element = h(
    "div",
    { class: field.half ? "field half" : "field" },
    h("label", { for: id }, field.label, optional),
    field.kind === "password" ? h("div", { class: "secret" }, input, revealer(app, input)) : input,
    wrong,
    hint,
  );
  return { element, input, tell, label: field.label };
}

function makeInput(id, { name, kind = "text", value = "", autocomplete, required, options = [] }) {
  const common = { id, name, autocomplete, "aria-required": required ? "true" : null };
  if (kind === "textarea") return h("textarea", { ...common, rows: 3, prop: { value } });
  if (kind === "select") {
    const choices = options.map(([code, label]) => h("option", { value: code }, label));
    const element = h("select", common, choices);
    element.value = value;
    return element;
  }
  const plain = kind === "text" ? {} : { autocapitalize: "none", spellcheck: "false" };
  return h("input", { ...common, ...plain, type: kind, prop: { value } });
}

/** Return the button that shows what is typed into a password field. */
function revealer(app, input) {
  const { t } = app.language;
  const element = h(
    "button",
    {
      type: "button",
      class: "reveal",
      "aria-pressed": "false",
      "aria-label": app.language.t("password.show.label"),
      "aria-controls": input.id,
    },
    t("password.show"),
  );
  element.addEventListener("click", () => {
    const open = input.type === "password";
    input.type = open ? "text" : "password";
    element.setAttribute("aria-pressed", String(open));
  });
  return element;
}
