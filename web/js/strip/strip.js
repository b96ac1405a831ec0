/**
 * The strip at the bottom: the last request's wire, and the nineteen before it to pick from.
 *
 * Folded, it is one line: asked, sent, answered.  It follows what happens: a new request is shown as it goes out.
 *
 * This file knows the wire's record; how one exchange is told is in panels.js.
 */

import { fill, h, ornament, s } from "../dom.js";
import { link } from "../parts.js";
import { shortPath, statusKind, statusOf } from "./look.js";
import { panels } from "./panels.js";

const NAME = "dada.strip";

export class Strip {
  #app;
  #toggle = h("button", { type: "button", id: "wire-toggle", class: "strip-bar", "aria-controls": "wire-body" });
  #body = h("div", { id: "wire-body", class: "strip-body" });
  #isOpen;
  #chosen = 0;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.#app = app;
    this.#isOpen = app.store.getItem(NAME) === "open";
    this.element = h("section", { class: "strip", id: "wire" }, this.#toggle, this.#body);
    this.#toggle.addEventListener("click", () => this.#fold(!this.#isOpen));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#isOpen) return;
      this.#fold(false);
      this.#toggle.focus();
    });
    app.language.addEventListener("change", () => this.#write());
    app.wire.addEventListener("exchange", (/** @type {CustomEvent} */ { detail }) => {
      this.#chosen = Math.max(this.#chosen, detail.id);
      this.#write();
    });
    this.#chosen = app.wire.exchanges[0]?.id ?? 0;
    this.#write();
  }

  #fold(isOpen) {
    this.#isOpen = isOpen;
    this.#app.store.setItem(NAME, isOpen ? "open" : "folded");
    this.#write();
  }

  #write() {
    const { t } = this.#app.language;
    const { exchanges } = this.#app.wire;
    this.element.setAttribute("aria-label", t("wire.title"));
    this.element.toggleAttribute("data-open", this.#isOpen);
    this.#toggle.setAttribute("aria-expanded", String(this.#isOpen));
    fill(
      this.#toggle,
      h("span", { class: "plate" }, t("wire.title")),
      exchanges.length ? this.#beads(exchanges[0]) : h("span", { class: "beads-line hint" }, t("wire.none")),
      h(
        "span",
        { class: "fold" },
        h("span", { class: "fold-word" }, t(this.#isOpen ? "wire.fold" : "wire.open")),
        ornament("0 0 16 16", "chevron", s("path", { d: "M3 10l5-5 5 5" })),
      ),
    );
    this.#body.hidden = !this.#isOpen;
    if (this.#isOpen) this.#writeBody(exchanges);
  }

  /** One line: asked, sent, answered. */
  #beads(exchange) {
    return h(
      "span",
      { class: "beads-line" },
      exchange.preflight?.kind === "sent" ? [bead("asks", "OPTIONS"), arrow()] : null,
      bead("sends", exchange.method),
      h("span", { class: "path" }, shortPath(exchange.url)),
      arrow(),
      bead(statusKind(exchange), statusOf(exchange)),
    );
  }

  #writeBody(exchanges) {
    const { t } = this.#app.language;
    const focused = document.activeElement?.id;
    const chosen = exchanges.find(({ id }) => id === this.#chosen) ?? exchanges[0];
    const items = exchanges.map((exchange) => h("li", {}, this.#pick(exchange, exchange === chosen)));
    const told = h(
      "div",
      { class: "exchange", id: "wire-exchange", tabindex: 0, role: "region", "aria-label": t("wire.chosen") },
      chosen ? panels(this.#app, chosen) : h("p", { class: "hint" }, t("wire.none")),
    );
    const list = h(
      "div",
      { class: "picks" },
      h("h2", { id: "wire-list" }, t("wire.list")),
      h("ol", { "aria-labelledby": "wire-list" }, items),
      h("p", { class: "hint" }, link("/inspector", t("wire.inspect"))),
    );
    fill(this.#body, list, told);
    if (focused && this.#body.querySelector(`#${CSS.escape(focused)}`))
      document.getElementById(focused)?.focus({ preventScroll: true });
  }

  #pick(exchange, isChosen) {
    const { language } = this.#app;
    const choose = () => {
      this.#chosen = exchange.id;
      this.#write();
    };
    return h(
      "button",
      {
        type: "button",
        id: `wire-pick-${exchange.id}`,
        "aria-current": isChosen ? "true" : null,
        on: { click: choose },
      },
      h("span", { class: `status ${statusKind(exchange)}` }, statusOf(exchange)),
      h("span", { class: "what" }, h("b", {}, exchange.method), " ", shortPath(exchange.url)),
      h(
        "span",
        { class: "when" },
        exchange.preflight?.kind === "sent" ? h("span", { class: "asked" }, "OPTIONS ") : null,
        language.moment(exchange.at, { timeStyle: "medium" }),
      ),
    );
  }
}

function bead(kind, text) {
  return h("span", { class: `bead ${kind}` }, text);
}

function arrow() {
  return h("span", { class: "to", "aria-hidden": "true" }, "→");
}
