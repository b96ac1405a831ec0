/** The inspector: what happens in the whole system, as it happens, arrow by arrow. */

import { h, fill } from "../dom.js";
import { arrowsOf } from "../inspector/arrows.js";
import { detail } from "../inspector/detail.js";
import { diagram } from "../inspector/diagram.js";
import { Records } from "../inspector/records.js";
import { button, notice } from "../parts.js";
import { pathOf } from "../router.js";

const FILTERS = ["people", "all", "refused", "preflights", "jobs"];
const SHOWN = 60; // stories at once

/** What belongs to nobody's click. */
const NOISE = /^(GET|HEAD) \/(healthz|readyz)$/;

/** @type {Records|null} */
let records = null;

export function inspector(app) {
  const { t } = app.language;
  records ??= new Records(`${app.config.weibo}/traces/stream`);
  records.listen();
  const state = (app.stage.memo ??= { story: "", arrow: "", filter: "people", search: "", newest: true });
  const room = new Room(app, records, state);
  return {
    title: t("inspector.title"),
    wide: true,
    nodes: [
      h(
        "header",
        { class: "room-head" },
        h("h1", { tabindex: -1 }, t("inspector.title")),
        h("p", { class: "lead" }, t("inspector.lead")),
      ),
      room.element,
    ],
  };
}

class Room {
  #app;
  #records;
  #state;
  #bar = h("div", { class: "tools", role: "group" });
  #note = h("div", { class: "tool-note", "aria-live": "polite" });
  #stories = h("ol", { class: "stories" });
  #picture = h("div", { class: "picture" });
  #detail = h("section", { class: "detail", "aria-labelledby": "detail-title" });
  #drawn = "";

  constructor(app, source, state) {
    this.#app = app;
    this.#records = source;
    this.#state = state;
    const { t } = app.language;
    this.element = h(
      "div",
      { class: "inspector" },
      this.#bar,
      this.#note,
      h("nav", { class: "story-list", "aria-label": t("inspector.stories") }, this.#stories),
      h("div", { class: "bench" }, this.#picture, this.#detail),
    );
    this.#bar.setAttribute("aria-label", t("inspector.tools"));
    this.#writeBar();
    let wasThere = false;
    const onChange = () => {
      if (this.element.isConnected) {
        wasThere = true;
        this.#write();
      } else if (wasThere) {
        source.removeEventListener("change", onChange);
        if (pathOf(location.hash) !== "/inspector") source.leave();
      }
    };
    source.addEventListener("change", onChange);
    this.#write();
  }

  // --- tools ---

  #writeBar() {
    const { t } = this.#app.language;
    const pause = h(
      "button",
      { type: "button", id: "inspector-pause", "aria-pressed": String(this.#records.isPaused) },
      t("inspector.pause"),
    );
    pause.addEventListener("click", () => {
      this.#records.pause(!this.#records.isPaused);
      pause.setAttribute("aria-pressed", String(this.#records.isPaused));
    });
    const filter = h(
      "select",
      { id: "inspector-filter", "aria-label": t("inspector.filter") },
      FILTERS.map((name) => h("option", { value: name, selected: name === this.#state.filter }, t(`filter.${name}`))),
    );
    filter.addEventListener("change", () => {
      this.#state.filter = filter.value;
      this.#write();
    });
    const search = h("input", {
      id: "inspector-search", type: "search", placeholder: t("inspector.search"), "aria-label": t("inspector.search"),
      prop: { value: this.#state.search },
    }); // prettier-ignore
    search.addEventListener("input", () => {
      this.#state.search = search.value;
      this.#write();
    });
    const file = h("input", { type: "file", id: "inspector-file", accept: ".json,application/json", class: "off-screen", tabindex: -1, "aria-label": t("inspector.open") });
    file.addEventListener("change", () => this.#open(file));
    const open = button(t("inspector.open"), async () => file.click());
    const save = button(t("inspector.save"), async () => this.#save());
    save.id = "inspector-save";
    const clear = button(t("inspector.clear"), async () => {
      await fetch(`${this.#app.config.weibo}/traces`, { method: "DELETE" });
      this.#state.story = this.#state.arrow = "";
      this.#records.clear();
    });
    clear.id = "inspector-clear";
    fill(this.#bar, pause, filter, search, h("span", { class: "gap" }), save, open, file, clear);
  }

  #save() {
    const url = URL.createObjectURL(new Blob([Records.save(this.#records.shown)], { type: "application/json" }));
    const stamp = new Date().toISOString().slice(0, 16).replace(/\D/g, "");
    h("a", { href: url, download: `dada-recording-${stamp}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  async #open(file) {
    const { t } = this.#app.language;
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      this.#state.story = this.#state.arrow = "";
      this.#records.open(await chosen.text(), chosen.name);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#app.say(t("inspector.no.recording", { name: chosen.name }), "bad");
    }
    file.value = "";
  }

  // --- what is shown ---

  #write() {
    const { t } = this.#app.language;
    const stories = this.#records.stories().filter((story) => this.#wanted(story));
    const newest = stories[0]?.id ?? "";
    let story = stories.find(({ id }) => id === this.#state.story);
    if (!story || (this.#state.newest && !this.#state.arrow)) story = stories[0];
    this.#state.story = story?.id ?? "";
    this.#writeNote(t);
    const focused = document.activeElement?.id;
    fill(
      this.#stories,
      stories.slice(0, SHOWN).map((one) => h("li", {}, this.#pick(one, one.id === story?.id, newest))),
    );
    const arrows = story ? arrowsOf(story) : [];
    const mark = JSON.stringify([story?.id, arrows.map(({ id, verdict, events }) => [id, verdict, events.length]), this.#state.arrow]);
    if (mark !== this.#drawn) {
      this.#drawn = mark;
      this.#draw(story, arrows);
    }
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  #writeNote(t) {
    const { state, isRecording, isPaused, fileName } = this.#records;
    if (isRecording) {
      const close = button(t("inspector.live"), async () => this.#records.close());
      fill(this.#note, notice("plain", h("p", {}, t("inspector.recording", { name: fileName })), close));
    } else if (state === "lost") fill(this.#note, notice("bad", h("p", {}, t("inspector.lost"))));
    else fill(this.#note, h("p", { class: `quiet ${isPaused ? "paused" : state}` }, t(`inspector.state.${isPaused ? "paused" : state}`)));
  }

  #wanted(story) {
    const { filter, search } = this.#state;
    const { records: all } = story;
    const fits = {
      people: () => !NOISE.test(story.title),
      all: () => true,
      refused: () => story.verdict !== "good",
      preflights: () => all.some(({ kind }) => kind === "preflight"),
      jobs: () => all.some(({ kind }) => kind === "job" || kind === "mail"),
    }[filter]();
    return fits && (!search || JSON.stringify(all).toLowerCase().includes(search.toLowerCase()));
  }

  #pick(story, isChosen, newest) {
    const { language } = this.#app;
    const choose = () => {
      this.#state.story = story.id;
      this.#state.newest = story.id === newest;
      this.#state.arrow = "";
      this.#write();
    };
    return h(
      "button",
      { type: "button", id: `story-${story.id}`, "aria-current": isChosen ? "true" : null, on: { click: choose } },
      h("span", { class: `status ${story.verdict}` }, story.status || "…"),
      h("span", { class: "what" }, story.title),
      h("span", { class: "when" }, language.moment(story.at, { timeStyle: "medium" })),
    );
  }

  #draw(story, arrows) {
    const { t } = this.#app.language;
    if (!story) {
      fill(this.#picture, h("p", { class: "empty" }, t("inspector.none")));
      fill(this.#detail, h("h2", { id: "detail-title" }, t("inspector.how")), h("p", {}, t("inspector.how.more")));
      return;
    }
    const choose = (arrow) => {
      this.#state.arrow = arrow.id;
      this.#write();
      document.getElementById("detail-title")?.scrollIntoView({ block: "nearest" });
    };
    const arrow = arrows.find(({ id }) => id === this.#state.arrow);
    fill(this.#picture, diagram(this.#app, arrows, arrow?.id ?? "", choose));
    if (arrow) fill(this.#detail, detail(this.#app, arrow));
    else fill(this.#detail, h("h2", { id: "detail-title" }, story.title), h("p", {}, t("inspector.choose")), this.#summary(story));
  }

  /** Why there were as many requests, and who said yes: a story in a few sentences. */
  #summary(story) {
    const { t } = this.#app.language;
    const has = (kind) => story.records.some((record) => record.kind === kind);
    const told = story.records.find(({ asked }) => asked)?.asked;
    const lines = [
      has("preflight") ? t("story.preflight") : told ? t(`inspector.asked.${told}`) : "",
      has("job") ? t("story.job") : "",
      has("mail") ? t("story.mail") : "",
      has("call") ? t("story.call") : "",
    ].filter(Boolean);
    return h("ul", { class: "summary-of" }, lines.map((line) => h("li", {}, line)));
  }
}
