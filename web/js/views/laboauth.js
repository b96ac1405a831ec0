/** The OAuth lab: the flow's eight steps, one after the other, and what stops who attacks them. */

import { checkList, sourceButton } from "../checks.js";
import { fill, h } from "../dom.js";
import { ask, experiments, labView, lesson, mark, telling } from "../labs/lab.js";
import { button } from "../parts.js";

const EXPERIMENTS = ["honest", "steal", "drop", "swap", "replay", "deny"];

export function oauthLab(app) {
  const state = (app.stage.memo ??= { chosen: "", steps: [], shown: 0 });
  const play = new Play(app, state);
  const list = experiments(app, "oauth", EXPERIMENTS, state.chosen, (name) => {
    state.chosen = name;
    mark(list, name);
    play.begin();
  });
  play.show();
  return labView(app, "oauth", h("div", { class: "lab" }, list, play.element));
}

class Play {
  #app;
  #state;
  #lesson = h("div", {});
  #steps = h("ol", { class: "flow-steps" });
  #tools = h("div", { class: "actions flow-tools" });
  #wrong = h("div", {});

  constructor(app, state) {
    this.#app = app;
    this.#state = state;
    this.element = h("div", { class: "lab-bench" }, h("section", { class: "card" }, this.#lesson, this.#wrong, this.#steps, this.#tools));
  }

  async begin() {
    await telling(this.#wrong, async () => {
      fill(this.#wrong);
      const { steps } = await ask(this.#app, "POST", "/oauth", { experiment: this.#state.chosen });
      Object.assign(this.#state, { steps, shown: 1 });
      this.show();
    });
  }

  show() {
    const { t } = this.#app.language;
    const { chosen, steps, shown } = this.#state;
    if (!chosen) {
      fill(this.#lesson, h("p", {}, t("lab.oauth.begin")));
      return;
    }
    fill(this.#lesson, lesson(this.#app, "oauth", chosen));
    fill(this.#steps, steps.slice(0, shown).map((step, at) => this.#step(step, at)));
    if (shown >= steps.length) {
      fill(this.#tools, h("p", { class: "quiet" }, t("lab.oauth.end")));
      return;
    }
    const on = (count) => {
      this.#state.shown = count;
      this.show();
      const last = this.#steps.lastElementChild;
      last?.focus({ preventScroll: true });
      last?.scrollIntoView({ block: "nearest" });
    };
    const next = button(t("lab.oauth.next", { at: shown, of: steps.length }), async () => on(shown + 1), "primary");
    next.id = "oauth-next";
    const all = button(t("lab.oauth.all"), async () => on(steps.length));
    all.id = "oauth-all";
    fill(this.#tools, next, all);
  }

  #step(step, at) {
    const { t } = this.#app.language;
    const party = (name) => h("span", { class: `who-is ${name}` }, t(`lab.oauth.party.${name}`));
    const careless = step.careless && !this.#state.steps[at - 1]?.careless;
    const bad = step.stopped || step.key === "wrong" || step.key === "stolen" || step.key === "planted";
    return [
      careless ? h("li", { class: "aside-step" }, t("lab.oauth.careless")) : null,
      h(
        "li",
        { class: `flow-step ${bad ? "bad" : ""} ${step.careless ? "careless" : ""}`, tabindex: -1 },
        h("p", { class: "between" }, party(step.from), " → ", party(step.to)),
        h("p", { class: "words" }, t(`lab.oauth.step.${step.key}`, { person: step.person ?? "" })),
        step.values ? h("dl", { class: "values" }, step.values.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("code", {}, value))))) : null,
        step.line ? h("pre", { class: "bytes" }, step.line) : null,
        step.checks.length ? checkList(this.#app, step.checks) : null,
        step.source ? h("p", { class: "where" }, sourceButton(this.#app, step.source)) : null,
      ),
    ];
  }
}
