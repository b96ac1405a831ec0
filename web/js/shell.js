/**
 * What surrounds every view: the ways past it for keyboards, the header, messages, the footer.
 *
 * This file knows who is logged in and which language is spoken; it knows no view.
 */

import { h, fill, ornament, s } from "./dom.js";
import { LANGUAGES } from "./language.js";
import { link, outside } from "./parts.js";
import { pathOf } from "./router.js";

/** Ways that everybody has: a path, and the key of what it is called. */
const PLACES = [
  ["/", "shop.tab"],
  ["/inspector", "inspector.tab"],
  ["/labs", "labs.tab"],
  ["/lessons", "lessons.tab"],
];

/** The shop's mark: a bag with a seam. */
export function mark() {
  return ornament(
    "0 0 32 32",
    "mark",
    s("path", { class: "mark-strap", d: "M10.5 14V9.5a5.5 5.5 0 0 1 11 0V14" }),
    s("path", { class: "mark-body", d: "M6 12.5h20l1.8 13a3 3 0 0 1-3 3.5H7.2a3 3 0 0 1-3-3.5z" }),
    s("path", { class: "mark-seam", d: "M8.6 16h14.8M7.4 25.5h17.2" }),
  );
}

export class Shell {
  #app;
  #skips = h("div", { class: "skips" });
  #header = h("header", { class: "top" });
  #footer = h("footer", { class: "bottom" });
  #message = h("div", { class: "message", role: "status", "aria-live": "polite" });
  #stays = false;

  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.#app = app;
    this.main = h("main", { id: "main", tabindex: -1 });
    app.language.addEventListener("change", () => this.#write());
    app.session.addEventListener("change", () => this.#write());
    addEventListener("hashchange", () => {
      this.#markCurrent();
      this.#forgetMessage();
    });
    this.#write();
  }

  get elements() {
    return [this.#skips, this.#header, h("div", { class: "messages" }, this.#message), this.main, this.#footer];
  }

  /** Tell something; it goes when the place is left, or with *stays* when the next one is. */
  say(message, kind, stays) {
    this.#stays = stays;
    fill(this.#message, h("p", { class: `notice ${kind}` }, message));
  }

  #forgetMessage() {
    if (!this.#stays) fill(this.#message);
    this.#stays = false;
  }

  #write() {
    const { language } = this.#app;
    const { t } = language;
    const focused = document.activeElement?.id;
    document.documentElement.lang = language.code;
    const jump = (id) => (event) => {
      event.preventDefault();
      document.getElementById(id)?.focus();
    };
    fill(
      this.#skips,
      h("a", { href: "#main", class: "skip", on: { click: jump("main") } }, t("skip.main")),
      h("a", { href: "#wire-toggle", class: "skip", on: { click: jump("wire-toggle") } }, t("skip.wire")),
    );
    fill(this.#header, h("div", { class: "bar" }, this.#brand(), this.#nav(), this.#languages()));
    fill(this.#footer, this.#foot());
    this.#markCurrent();
    if (focused) document.getElementById(focused)?.focus();
  }

  #brand() {
    const { t } = this.#app.language;
    return h("a", { href: "/#/", class: "brand" }, mark(), h("span", {}, t("brand")), h("small", {}, t("brand.more")));
  }

  #nav() {
    const { language, session } = this.#app;
    const { t } = language;
    const leave = async () => {
      const told = this.#app.logOut();
      this.#app.arrive("/login", t("logout.done")); // at once: later it would lead back whoever has gone on
      await told;
    };
    const own = session.isOpen
      ? [
          h(
            "a",
            { href: "/#/account", class: "who", id: "who" },
            h("span", { class: "initial", "aria-hidden": "true" }, initial(session.username)),
            h("span", { class: "name" }, session.username),
          ),
          h("button", { type: "button", class: "quiet", id: "log-out", on: { click: leave } }, t("logout")),
        ]
      : [link("/login", t("login.go")), link("/register", t("register.go"), "strong")];
    const places = PLACES.map(([path, key]) => link(path, t(key)));
    return h("nav", { "aria-label": t("nav") }, places, own);
  }

  #languages() {
    const { language } = this.#app;
    const buttons = LANGUAGES.map(({ code, name }) =>
      h(
        "button",
        {
          type: "button",
          id: `language-${code}`,
          lang: code,
          "aria-pressed": String(code === language.code),
          on: { click: () => language.choose(code) },
        },
        name,
      ),
    );
    return h("div", { class: "languages", role: "group", "aria-label": language.t("languages") }, buttons);
  }

  #foot() {
    const { config, language } = this.#app;
    const { t } = language;
    return [
      h("p", {}, t("foot.tokens")),
      h(
        "p",
        {},
        outside(config.mailbox, t("foot.mailbox")),
        " · ",
        outside(config.weibo, t("foot.weibo")),
        " · ",
        outside(`${config.api}/readyz`, t("foot.health")),
        " · ",
        h("a", { href: "/docs/" }, t("foot.docs")),
      ),
    ];
  }

  #markCurrent() {
    for (const anchor of this.#header.querySelectorAll("nav a")) {
      const [way, here] = [pathOf(anchor.hash), pathOf(location.hash)];
      const within = here.startsWith(`${way}/`) && "true"; // a lesson is among the lessons, a lab among the labs
      const current = location.pathname === "/" && (way === here ? "page" : within);
      if (current) anchor.setAttribute("aria-current", current);
      else anchor.removeAttribute("aria-current");
    }
  }
}

/** Return the first character of a name, whatever the script. */
function initial(name) {
  return [...name][0]?.toUpperCase() ?? "";
}
