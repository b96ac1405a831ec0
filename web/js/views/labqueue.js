/** The queue lab: lists as boxes, jobs that move, workers to be killed. */

import { fill, h } from "../dom.js";
import { ask, experiments, labView, LabError, lesson, mark, telling } from "../labs/lab.js";
import { button } from "../parts.js";

const EVERY = 350; // milliseconds between two looks
const MOST_TOLD = 40;
const TASKS = ["work", "flaky", "fail", "poison"];

/** What each experiment sets up: jobs by task, workers to start, and whether the first is killed once it holds one. */
const EXPERIMENTS = {
  killed: { workers: 2, jobs: [["work", 4]], kill: true },
  retry: { workers: 1, jobs: [["flaky", 1]] },
  buried: { workers: 1, jobs: [["fail", 1]] },
  poison: { workers: 1, jobs: [["work", 2], ["poison", 1]], again: true },
}; // prettier-ignore

export function queueLab(app) {
  const state = (app.stage.memo ??= { chosen: "", id: "", told: [] });
  const room = new Room(app, state);
  const list = experiments(app, "queue", Object.keys(EXPERIMENTS), state.chosen, (name) => {
    state.chosen = name;
    mark(list, name);
    room.play(name);
  });
  room.begin();
  return labView(app, "queue", h("div", { class: "lab" }, list, room.element));
}

class Room {
  #app;
  #state;
  #lesson = h("div", {});
  #wrong = h("div", {});
  #boxes = h("div", { class: "boxes" });
  #law = h("p", { class: "law" });
  #log = h("ol", { class: "queue-log" });
  #wasThere = false;
  #before = new Map();
  #alive = new Map();
  /** Whoever is to be killed, or replaced, as an experiment goes on. */
  #plan = { kill: false, again: false };

  constructor(app, state) {
    this.#app = app;
    this.#state = state;
    const { t } = app.language;
    const put = TASKS.map((task) => {
      const one = button(t(`lab.queue.put.${task}`), () => this.#do("POST", "/jobs", { task }));
      one.id = `put-${task}`;
      return one;
    });
    const start = button(t("lab.queue.start"), () => this.#do("POST", "/workers", {}));
    start.id = "start-worker";
    this.element = h(
      "div",
      { class: "lab-bench" },
      h(
        "section",
        { class: "card", "aria-label": t("lab.queue.controls") },
        this.#lesson,
        h("div", { class: "tools" }, put, h("span", { class: "gap" }), start),
        this.#wrong,
      ),
      h("section", { class: "card boxes-card", "aria-label": t("lab.queue.lists") }, this.#boxes, this.#law),
      h("section", { class: "card", "aria-labelledby": "queue-log" }, h("h2", { id: "queue-log" }, t("lab.queue.log")), h("div", { role: "log", "aria-live": "polite" }, this.#log)),
    );
    fill(this.#log, state.told.map((line) => h("li", {}, line)));
    if (state.chosen) fill(this.#lesson, lesson(app, "queue", state.chosen));
  }

  async begin() {
    await telling(this.#wrong, async () => {
      if (!this.#state.id) await this.#renew();
      this.#look();
    });
  }

  async #renew() {
    const old = this.#state.id;
    this.#state.id = (await ask(this.#app, "POST", "/queue", {})).id;
    this.#before.clear();
    this.#alive.clear();
    if (old) await ask(this.#app, "DELETE", `/queue/${old}`).catch(() => null);
  }

  /** Set an experiment up: a new queue, its jobs, its workers. */
  async play(name) {
    const { workers, jobs, kill = false, again = false } = EXPERIMENTS[name];
    fill(this.#lesson, lesson(this.#app, "queue", name));
    this.#state.told = [];
    fill(this.#log);
    fill(this.#wrong);
    this.#plan = { kill: false, again: false };
    await telling(this.#wrong, async () => {
      await this.#renew();
      for (const [task, count] of jobs) await this.#ask("POST", "/jobs", { task, count });
      await this.#show();
      for (let number = 0; number < workers; number += 1) await this.#ask("POST", "/workers", {});
      this.#plan = { kill, again };
    });
  }

  #ask(method, path, body) {
    return ask(this.#app, method, `/queue/${this.#state.id}${path}`, body);
  }

  async #do(method, path, body) {
    fill(this.#wrong);
    await telling(this.#wrong, async () => {
      await this.#ask(method, path, body);
      await this.#show();
    });
  }

  /** Look again and again, as long as this is on the page. */
  async #look() {
    if (this.element.isConnected) this.#wasThere = true;
    else if (this.#wasThere) {
      if (!location.hash.startsWith("#/labs/queue")) await this.#ask("DELETE", "").catch(() => null);
      return;
    }
    try {
      await this.#show();
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      if (!this.#wrong.firstChild) fill(this.#wrong, h("p", { class: "notice bad" }, error.message));
    }
    setTimeout(() => this.#look(), EVERY);
  }

  async #show() {
    const told = await this.#ask("GET", "");
    if (await this.#follow(told)) return;
    this.#note(told);
    this.#draw(told);
  }

  /** Do what an experiment has planned, as soon as its moment has come; return whether it began anew. */
  async #follow({ workers, counts }) {
    const first = workers.find(({ alive, held }) => alive && held.length);
    if (this.#plan.kill && (first || counts.done === counts.put)) {
      this.#plan.kill = false;
      const { held } = first ? await this.#ask("DELETE", `/workers/${first.name}`) : { held: 0 };
      if (!held) await this.play(this.#state.chosen); // the work was done before we looked, or struck
      return !held;
    }
    if (this.#plan.again && workers.length && !workers.some(({ alive }) => alive)) {
      await this.#ask("POST", "/workers", {}); // a supervisor starts another where one died
    }
    return false;
  }

  // --- what happened ---

  #note({ ready, later, dead, workers, counts }) {
    const { t } = this.#app.language;
    const now = new Map();
    const keep = (place) => (job) => now.set(job.id, { place, ...job });
    ready.forEach(keep("ready"));
    later.forEach(keep("later"));
    dead.forEach(keep("dead"));
    for (const { name, held } of workers) held.forEach(keep(name));
    const lines = [];
    for (const { name, alive } of workers) {
      if (alive && !this.#alive.get(name)) lines.push(t("lab.queue.told.started", { name }));
      if (!alive && this.#alive.get(name)) lines.push(t("lab.queue.told.died", { name }));
      this.#alive.set(name, alive);
    }
    for (const [id, job] of now) {
      const before = this.#before.get(id)?.place ?? "";
      if (before !== job.place) lines.push(...this.#moved(job, before));
    }
    for (const [id, { task }] of this.#before) if (!now.has(id)) lines.push(t("lab.queue.told.done", { job: short(id), task }));
    this.#before = now;
    for (const line of lines) this.#log.prepend(h("li", {}, line));
    this.#state.told = [...lines.reverse(), ...this.#state.told].slice(0, MOST_TOLD);
    while (this.#log.children.length > MOST_TOLD) this.#log.lastChild.remove();
    const { put, ready: waiting, held, later: due, dead: buried, done } = counts;
    const text = `${put} = ${waiting} + ${held} + ${due} + ${buried} + ${done}`;
    fill(this.#law, t("lab.queue.law"), " ", h("code", {}, text), put === waiting + held + due + buried + done ? " ✔" : " ✘");
  }

  /** Tell how a job came to its place; between two looks it may have gone through the line. */
  #moved({ id, place, crashes, why }, before) {
    const { t, told } = this.#app.language;
    const job = short(id);
    const lines = [];
    if (!before) lines.push(t("lab.queue.told.put", { job }));
    else if (before === "later") lines.push(t("lab.queue.told.due", { job }));
    else if (before === "dead") lines.push(t("lab.queue.told.revived", { job }));
    else if (before !== "ready" && (place === "ready" || isWorker(place))) {
      lines.push(t("lab.queue.told.back", { job, name: before, crashes }));
    }
    if (isWorker(place)) lines.push(t("lab.queue.told.taken", { job, name: place }));
    else if (place !== "ready") lines.push(t(`lab.queue.told.${place}`, { job, why: told(why) }));
    return lines;
  }

  // --- the boxes ---

  #draw({ ready, later, dead, workers, counts, grace }) {
    const { t } = this.#app.language;
    const places = new Map([...this.#boxes.querySelectorAll("[data-job]")].map((chip) => [chip.dataset.job, chip.getBoundingClientRect()]));
    const focused = document.activeElement?.id;
    const box = (name, jobs, more = null) =>
      h(
        "section",
        { class: `box ${name}`, "aria-label": t(`lab.queue.box.${name}`) },
        h("h3", {}, t(`lab.queue.box.${name}`), " ", h("small", {}, String(jobs.length))),
        h("ul", {}, jobs.map((job) => this.#chip(job))),
        more,
      );
    fill(
      this.#boxes,
      box("ready", ready),
      h(
        "div",
        { class: "workers" },
        workers.length ? workers.map((worker) => this.#worker(worker, grace)) : h("p", { class: "hint" }, t("lab.queue.nobody")),
      ),
      box("later", later),
      box("dead", dead),
      h("section", { class: "box done", "aria-label": t("lab.queue.box.done") }, h("h3", {}, t("lab.queue.box.done"), " ", h("small", {}, String(counts.done)))),
    );
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.#move(places);
  }

  /** Let each job glide from where it was. */
  #move(places) {
    for (const chip of this.#boxes.querySelectorAll("[data-job]")) {
      const before = places.get(chip.dataset.job);
      if (!before) continue;
      const after = chip.getBoundingClientRect();
      const [x, y] = [before.left - after.left, before.top - after.top];
      if (x || y) chip.animate([{ transform: `translate(${x}px, ${y}px)` }, {}], { duration: 300, easing: "ease-out" });
    }
  }

  #worker({ name, alive, silent, held }, grace) {
    const { t } = this.#app.language;
    const act = (verb, method, path) => {
      const one = button(t(`lab.queue.${verb}`), () => this.#do(method, path), verb === "kill" ? "kill" : "quiet");
      one.id = `${verb}-${name}`;
      return one;
    };
    const left = Math.max(0, grace - silent).toFixed(1);
    return h(
      "section",
      { class: alive ? "box worker" : "box worker gone", "aria-label": t("lab.queue.worker", { name }) },
      h("h3", {}, name, " ", h("small", {}, alive ? t("lab.queue.alive") : t("lab.queue.gone", { left }))),
      h("ul", {}, held.map((job) => this.#chip(job))),
      alive ? h("div", { class: "acts" }, act("kill", "DELETE", `/workers/${name}`), act("leave", "DELETE", `/workers/${name}/leave`)) : null,
    );
  }

  #chip({ id, task, tries, crashes, why, due }) {
    const { t } = this.#app.language;
    const marks = [
      tries ? t("lab.queue.tries", { count: tries }) : "",
      crashes ? t("lab.queue.crashes", { count: crashes }) : "",
      due !== undefined ? t("lab.queue.due", { seconds: Math.max(0, due).toFixed(1) }) : "",
    ].filter(Boolean);
    const isDead = why && due === undefined && this.#before.get(id)?.place === "dead";
    let revive = null;
    if (isDead) {
      revive = button(t("lab.queue.revive"), () => this.#do("POST", `/jobs/${id}`, {}), "quiet");
      revive.id = `revive-${id}`;
    }
    return h(
      "li",
      { class: `job ${task}`, "data-job": id },
      h("b", {}, short(id)),
      marks.length ? h("small", {}, marks.join(" · ")) : null,
      isDead ? h("small", { class: "why" }, this.#app.language.told(why)) : null,
      revive,
    );
  }
}

/** Whether a place is a worker's list, and none of the queue's own. */
function isWorker(place) {
  return !["ready", "later", "dead"].includes(place);
}

/** Return a job's name as far as it is told apart: "work-3". */
function short(id) {
  return id.replace(/-[0-9a-f]{4}$/, "");
}
