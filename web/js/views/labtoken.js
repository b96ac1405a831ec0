/** The token lab: edit any part of a token, and see which check stops it. */

import { checkList } from "../checks.js";
import { fill, h } from "../dom.js";
import { ask, experiments, labView, lesson, mark, telling } from "../labs/lab.js";
import { button } from "../parts.js";

const KINDS = ["header", "claims", "signature"];

export async function tokenLab(app) {
  const { t } = app.language;
  const told = await ask(app, "GET", "/token").catch(() => null);
  if (!told) return labView(app, "token", h("p", {}, t("lab.silent")));
  const state = (app.stage.memo ??= { chosen: "good", token: told.experiments.good });
  const bench = new Bench(app, state);
  const list = experiments(app, "token", Object.keys(told.experiments), state.chosen, (name) => {
    state.chosen = name;
    state.token = told.experiments[name];
    mark(list, name);
    bench.show();
  });
  bench.show();
  return labView(app, "token", h("div", { class: "lab" }, list, bench.element));
}

class Bench {
  #app;
  #state;
  #turn = 0;
  #raw;
  #parts;
  #colours = h("pre", { class: "raw-token", "aria-hidden": "true" });
  #lesson = h("div", {});
  #verdict = h("div", { class: "verdict", role: "status" });
  #checks = h("div", {});
  #wrong = h("div", {});

  constructor(app, state) {
    this.#app = app;
    this.#state = state;
    const { t } = app.language;
    const area = (name, rows) =>
      h("textarea", { id: `lab-${name}`, rows, spellcheck: "false", autocapitalize: "off", class: `part ${name}` });
    this.#raw = area("token", 4);
    this.#parts = Object.fromEntries(KINDS.map((name) => [name, area(name, { header: 3, claims: 7, signature: 2 }[name])]));
    const field = (name, input) =>
      h("div", { class: "field" }, h("label", { for: `lab-${name}` }, t(`lab.token.part.${name}`)), input);
    this.#raw.addEventListener("input", () => this.#edit(this.#raw.value.trim(), this.#raw));
    for (const [at, name] of KINDS.entries()) {
      this.#parts[name].addEventListener("input", () => this.#editPart(at, this.#parts[name]));
    }
    const sign = button(t("lab.token.sign"), () => this.#sign());
    sign.id = "lab-sign";
    this.element = h(
      "div",
      { class: "lab-bench two" },
      h(
        "section",
        { class: "card", "aria-label": t("lab.token.parts") },
        this.#lesson,
        this.#colours,
        h("div", { class: "fields" }, KINDS.map((name) => field(name, this.#parts[name])), field("token", this.#raw)),
        this.#wrong,
        h("div", { class: "actions" }, sign),
        h("p", { class: "hint" }, t("lab.token.key")),
      ),
      h(
        "section",
        { class: "card", "aria-labelledby": "lab-checks" },
        h("h2", { id: "lab-checks" }, t("lab.token.checks")),
        this.#verdict,
        this.#checks,
      ),
    );
  }

  /** Show the state's token, in parts and whole. */
  show() {
    fill(this.#lesson, lesson(this.#app, "token", this.#state.chosen));
    this.#write(null);
    this.#explain();
  }

  #edit(token, source) {
    this.#state.token = token;
    this.#write(source);
    this.#explain();
  }

  #editPart(at, input) {
    const parts = this.#state.token.split(".");
    while (parts.length < 3) parts.push("");
    parts[at] = at === 2 ? input.value.trim() : encode(input.value);
    this.#edit(parts.join("."), input);
  }

  async #sign() {
    await telling(this.#wrong, async () => {
      const { header, claims } = this.#parts;
      const { token } = await ask(this.#app, "POST", "/token/sign", { header: header.value, claims: claims.value });
      fill(this.#wrong);
      this.#edit(token, null);
    });
  }

  /** Write the token everywhere but where it is being edited. */
  #write(source) {
    const { token } = this.#state;
    const parts = token.split(".");
    if (source !== this.#raw) this.#raw.value = token;
    for (const [at, name] of KINDS.entries()) {
      const input = this.#parts[name];
      if (input !== source) input.value = at === 2 ? (parts[2] ?? "") : decode(parts[at] ?? "");
    }
    fill(
      this.#colours,
      parts.flatMap((text, at) => [at ? "." : null, h("span", { class: KINDS[at] ?? "" }, text)]),
    );
  }

  async #explain() {
    const { t } = this.#app.language;
    const turn = ++this.#turn;
    await telling(this.#checks, async () => {
      const { steps, good } = await ask(this.#app, "POST", "/token/explain", { token: this.#state.token });
      if (turn !== this.#turn) return;
      const failed = steps.filter(({ verdict }) => verdict === "failed");
      const name = failed.length ? t(`check.token.${failed[0].name}`) : "";
      const words = good ? t("lab.token.believed") : t("lab.token.refused", { name, clause: failed[0].clause });
      fill(this.#verdict, h("p", { class: `notice ${good ? "good" : "bad"}` }, words));
      fill(this.#checks, checkList(this.#app, steps));
    });
  }
}

/** Return the text in a segment, or the segment itself where it is no text. */
function decode(part) {
  try {
    const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return part;
  }
}

function encode(text) {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
