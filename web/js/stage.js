/**
 * The stage: one view at a time, in <main>.
 *
 * A view may take its time; whoever has gone elsewhere meanwhile does not see it.  When the view is another one, the
 * focus goes to its heading, so that who does not see the page hears where he is.
 *
 * This file knows views as values; it does not know their addresses.
 */

import { h, fill } from "./dom.js";
import { problemNotice, view } from "./parts.js";
import { Problem, Unreachable } from "./problems.js";

export class Stage {
  #app;
  #main;
  #turn = 0;
  /** What the present view keeps while the language changes: for one, the version of what is edited. @type {any} */
  memo = null;
  /** @type {() => Promise<import("./parts.js").View>|import("./parts.js").View} */
  #make = () => view("");

  /**
   * @param {import("./app.js").App} app
   * @param {HTMLElement} main
   */
  constructor(app, main) {
    this.#app = app;
    this.#main = main;
    app.language.addEventListener("change", () => this.again({ keep: true }));
  }

  /**
   * Show what *make* makes.
   * @param {() => any} make
   * @param {{focus?: boolean}} [how]  whether the heading gets the focus
   */
  async show(make, { focus = true } = {}) {
    this.#make = make;
    this.memo = null;
    await this.#play({ focus });
  }

  /** Show the same view anew; with *keep*, what it keeps and what was typed stay. */
  async again({ keep = false, focus = false } = {}) {
    if (!keep) this.memo = null;
    await this.#play({ focus, typed: keep ? this.#typed() : [] });
  }

  async #play({ focus = false, typed = [] }) {
    const turn = ++this.#turn;
    this.#main.setAttribute("aria-busy", "true");
    const { title, nodes, wide } = await this.#made();
    if (turn !== this.#turn) return;
    this.#main.removeAttribute("aria-busy");
    this.#main.classList.toggle("wide", Boolean(wide));
    fill(this.#main, nodes);
    for (const [selector, value] of typed) {
      const input = this.#main.querySelector(selector);
      if (input) input.value = value;
    }
    document.title = `${title} · ${this.#app.language.t("shop")}`;
    if (focus) {
      scrollTo(0, 0);
      this.#main.querySelector("h1")?.focus({ preventScroll: true });
    }
  }

  async #made() {
    try {
      return await this.#make();
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      const { t } = this.#app.language;
      const again = h("button", { type: "button", on: { click: () => this.again() } }, t("again"));
      return view(t("failed"), problemNotice(this.#app, error), h("div", { class: "actions" }, again));
    }
  }

  #typed() {
    const inputs = [...this.#main.querySelectorAll("input[id], textarea[id], select[id]")];
    return inputs.map(({ id, value }) => [`#${CSS.escape(id)}`, value]);
  }
}
