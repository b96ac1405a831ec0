/** The CORS lab: a policy and a call, played by the model of both sides, then by this very browser. */

import { checkList } from "../checks.js";
import { fill, h } from "../dom.js";
import { headerPairs } from "../inspector/curl.js";
import { ask, experiments, labView, LabError, lesson, mark, telling } from "../labs/lab.js";
import { button, notice } from "../parts.js";

const HERE = location.origin;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const CREDENTIALS = ["omit", "include"];
const IS_CHROMIUM = /\bChrome\/\d/.test(navigator.userAgent);

const GOOD = {
  origins: HERE, methods: "PUT", request_headers: "Content-Type, X-Trace", response_headers: "ETag", credentials: false,
  max_age: "60", method: "PUT", headers: "Content-Type: application/json", credentials_mode: "omit", body: "{}",
}; // prettier-ignore

/** What each experiment changes in a call that works. */
const EXPERIMENTS = {
  works: {},
  header: { headers: "Content-Type: application/json\nX-Colour: brown" },
  origin: { origins: HERE.replace("127.0.0.1", "localhost") },
  star: { origins: "*", credentials_mode: "include" },
  simple: { origins: "https://friend.example", method: "POST", headers: "Content-Type: text/plain", body: "transfer=100" },
};

export function corsLab(app) {
  const state = (app.stage.memo ??= { chosen: "works", form: { ...GOOD } });
  const bench = new Bench(app, state);
  const list = experiments(app, "cors", Object.keys(EXPERIMENTS), state.chosen, (name) => {
    state.chosen = name;
    state.form = { ...GOOD, ...EXPERIMENTS[name] };
    mark(list, name);
    bench.show();
  });
  bench.show();
  return labView(app, "cors", h("div", { class: "lab" }, list, bench.element));
}

class Bench {
  #app;
  #state;
  #inputs;
  #lesson = h("div", {});
  #outcome = h("div", { class: "cors-outcome", "aria-live": "polite" });

  constructor(app, state) {
    this.#app = app;
    this.#state = state;
    const { t } = app.language;
    const text = (name) => h("input", { id: `cors-${name}`, spellcheck: "false", autocapitalize: "off" });
    const area = (name, rows) => h("textarea", { id: `cors-${name}`, rows, spellcheck: "false" });
    const choice = (name, values) =>
      h("select", { id: `cors-${name}` }, values.map((value) => h("option", { value }, value)));
    this.#inputs = {
      origins: text("origins"),
      methods: text("methods"),
      request_headers: text("request_headers"),
      response_headers: text("response_headers"),
      max_age: text("max_age"),
      credentials: h("input", { id: "cors-credentials", type: "checkbox" }),
      method: choice("method", METHODS),
      headers: area("headers", 3),
      credentials_mode: choice("credentials_mode", CREDENTIALS),
      body: text("body"),
    };
    const field = (name, half = false) =>
      h(
        "div",
        { class: half ? "field half" : "field" },
        h("label", { for: `cors-${name}` }, t(`lab.cors.field.${name}`)),
        this.#inputs[name],
      );
    const play = button(t("lab.cors.play"), () => this.#play(), "primary");
    play.id = "cors-play";
    this.element = h(
      "div",
      { class: "lab-bench" },
      h(
        "section",
        { class: "card" },
        this.#lesson,
        h(
          "div",
          { class: "sides" },
          h(
            "fieldset",
            {},
            h("legend", {}, t("lab.cors.policy")),
            h(
              "div",
              { class: "fields" },
              field("origins"),
              field("methods", true),
              field("max_age", true),
              field("request_headers"),
              field("response_headers"),
              h(
                "div",
                { class: "field check-field" },
                this.#inputs.credentials,
                h("label", { for: "cors-credentials" }, t("lab.cors.field.credentials")),
              ),
            ),
          ),
          h(
            "fieldset",
            {},
            h("legend", {}, t("lab.cors.call", { origin: HERE })),
            h(
              "div",
              { class: "fields" },
              field("method", true),
              field("credentials_mode", true),
              field("headers"),
              field("body"),
            ),
          ),
        ),
        h("div", { class: "actions" }, play),
      ),
      this.#outcome,
    );
  }

  show() {
    fill(this.#lesson, lesson(this.#app, "cors", this.#state.chosen));
    for (const [name, input] of Object.entries(this.#inputs)) {
      if (input.type === "checkbox") input.checked = this.#state.form[name];
      else input.value = this.#state.form[name];
    }
    fill(this.#outcome);
  }

  #read() {
    const value = (name) => this.#inputs[name].value.trim();
    const list = (name) => value(name).split(/[,\s]+/).filter(Boolean);
    const body = value("body");
    const method = value("method");
    let headers;
    try {
      headers = headerPairs(value("headers"));
    } catch (error) {
      throw new LabError(this.#app.language.t("replay.bad.header", { line: error.message }));
    }
    return {
      policy: {
        origins: list("origins"),
        methods: list("methods"),
        request_headers: list("request_headers"),
        response_headers: list("response_headers"),
        credentials: this.#inputs.credentials.checked,
        max_age: /^\d+$/.test(value("max_age")) ? Number(value("max_age")) : null,
      },
      call: {
        method,
        headers,
        credentials: value("credentials_mode"),
        body: ["GET", "HEAD"].includes(method) ? "" : body,
      },
      chromium: IS_CHROMIUM,
    };
  }

  async #play() {
    const { t, told: said } = this.#app.language;
    await telling(this.#outcome, async () => {
      const asked = this.#read();
      const told = await ask(this.#app, "POST", "/cors", asked);
      if (told.problems) {
        const items = told.problems.map(({ field, why, fix }) => h("li", {}, h("code", {}, field), `: ${said(why)} → ${said(fix)}`));
        fill(this.#outcome, notice("bad", h("p", { class: "title" }, t("lab.cors.no.policy")), h("ul", {}, items)));
        return;
      }
      const real = h("div", { class: "real", "aria-live": "polite" });
      const go = button(t("lab.cors.real"), () => telling(real, () => this.#really(asked.call, told, real)), "primary");
      go.id = "cors-real";
      fill(
        this.#outcome,
        h(
          "section",
          { class: "card", "aria-labelledby": "cors-model" },
          h("h2", { id: "cors-model" }, t("lab.cors.model")),
          h("p", { class: `notice ${told.outcome === "shared" ? "good" : "bad"}` }, t(`lab.cors.${told.outcome}`)),
          told.findings.map(({ why, fix }) => h("p", { class: "notice plain" }, `${said(why)} → ${said(fix)}`)),
          h("div", { class: "dialogue" }, exchange(t, "preflight", told.preflight), exchange(t, "actual", told.actual)),
          h("h3", {}, t("lab.cors.steps")),
          checkList(this.#app, told.steps),
          h("h3", {}, t("lab.cors.yours")),
          h("p", {}, t("lab.cors.yours.more")),
          go,
          real,
        ),
      );
    });
  }

  /** Let this browser make the call, ask the server what came, and compare. */
  async #really(call, told, place) {
    const { t } = this.#app.language;
    let readable = null;
    try {
      const response = await fetch(told.url, {
        method: call.method,
        headers: call.headers,
        credentials: call.credentials,
        body: call.body || undefined,
      });
      readable = [...response.headers.keys()];
      await response.text();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    const { seen } = await ask(this.#app, "GET", `/cors/${told.id}`);
    const names = (told.actual?.answer ?? []).map(([name]) => name.toLowerCase());
    const relevant = (list) => list.filter((name) => names.includes(name)).sort().join(", ");
    const rows = [
      ["outcome", t(`lab.cors.short.${told.outcome}`), t(`lab.cors.short.${readable ? "shared" : "blocked"}`)],
      ["preflight", yes(t, told.preflight), yes(t, seen.some(({ method }) => method === "OPTIONS"))],
      ["actual", yes(t, told.actual), yes(t, seen.some(({ method }) => method !== "OPTIONS"))],
      ["readable", relevant(told.readable), relevant(readable ?? [])],
    ];
    const same = rows.every(([, one, other]) => one === other);
    fill(
      place,
      h("p", { class: `notice ${same ? "good" : "bad"}` }, t(same ? "lab.cors.same" : "lab.cors.differs")),
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h("tr", {}, [t("lab.cors.row"), t("lab.cors.by.model"), t("lab.cors.by.browser")].map((text) => h("th", { scope: "col" }, text))),
        ),
        h(
          "tbody",
          {},
          rows.map(([name, one, other]) =>
            h("tr", {}, h("th", { scope: "row" }, t(`lab.cors.row.${name}`)), h("td", {}, one || "–"), h("td", {}, other || "–")),
          ),
        ),
      ),
      seen.length > 0 && h("h3", {}, t("lab.cors.seen")),
      h(
        "ol",
        { class: "seen" },
        seen.map(({ method, headers, status, answer }, at) =>
          h("li", {}, bytes(`${t("lab.cors.seen")} ${at + 1}`, `${method} → ${status}`, headers, answer)),
        ),
      ),
    );
  }
}

function yes(t, value) {
  return t(value ? "lab.cors.yes" : "lab.cors.no");
}

function exchange(t, name, told) {
  if (!told) return h("div", { class: "side none" }, h("h3", {}, t(`lab.cors.side.${name}`)), h("p", {}, t(`lab.cors.side.${name}.none`)));
  return h(
    "div",
    { class: "side" },
    h("h3", {}, t(`lab.cors.side.${name}`)),
    bytes(t(`lab.cors.side.${name}`), `${told.method} → ${told.status}`, told.request, told.answer),
  );
}

/** Return a message and its answer; *label* tells this one from the others to who does not see it. */
function bytes(label, first, request, answer) {
  const line = (className) => ([name, value]) =>
    h("span", { class: `line ${className}` }, h("span", { class: "name" }, name), ": ", value, "\n");
  return h(
    "div",
    { class: "bytes", tabindex: 0, role: "region", "aria-label": `${label}: ${first}` },
    h("pre", {}, h("span", { class: "line first" }, first, "\n"), request.map(line("sent")), "\n", answer.map(line("got"))),
  );
}
