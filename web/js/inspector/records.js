/**
 * The records of what happened, as they come over server-sent events, or out of a file.
 *
 *     EventSource ──► records by id ──► stories: what belongs to one click, from the preflight to the letter
 *
 * A "change" event tells of anything new.  Paused, what comes is kept and not shown.  A recording that was opened stands
 * in the place of what is live until it is closed.
 *
 * This file knows a record's form (sandbox/trace_record.py); it does not know how it is drawn.
 */

/** @typedef {{line: string, headers: [string, string][], body: string|null}} Message */
/**
 * @typedef {object} TraceRecord
 * @property {string} id
 * @property {string} trace
 * @property {string|null} cause
 * @property {string} [came_from]
 * @property {"preflight"|"request"|"job"|"mail"|"call"} kind
 * @property {string} from
 * @property {string} to
 * @property {number} at
 * @property {number} took
 * @property {string} title
 * @property {string} status
 * @property {"good"|"odd"|"bad"} verdict
 * @property {Message|null} request
 * @property {Message|null} answer
 * @property {any[]} events
 * @property {any} [job]
 * @property {[string, string][]} [talk]
 * @property {number|null} [letter]
 * @property {string} [asked]
 * @property {string} [by]
 */
/** @typedef {{id: string, at: number, title: string, status: string, verdict: string, records: TraceRecord[]}} Story */

const FORMAT = "dada-recording-1";
const MOST = 2000;
const KINDS = new Set(["preflight", "request", "job", "mail", "call"]);

export class Records extends EventTarget {
  #url;
  /** @type {EventSource|null} */
  #source = null;
  /** @type {Map<string, TraceRecord>} */
  #live = new Map();
  /** @type {Map<string, TraceRecord>|null} */
  #opened = null;
  /** @type {Map<string, TraceRecord>|null} */
  #held = null;
  /** "connecting", "live" or "lost" */
  state = "connecting";
  fileName = "";

  /** @param {string} url  of the stream */
  constructor(url) {
    super();
    this.#url = url;
  }

  /** Begin to listen, if it does not already. */
  listen() {
    if (this.#source) return;
    const source = new EventSource(this.#url);
    this.#source = source;
    source.addEventListener("open", () => this.#tell("live"));
    source.addEventListener("error", () => this.#tell("lost"));
    source.addEventListener("message", ({ data }) => {
      const record = JSON.parse(data);
      this.#live.set(record.id, record);
      while (this.#live.size > MOST) this.#live.delete(this.#live.keys().next().value);
      if (!this.isPaused && !this.#opened) this.#tell(this.state);
    });
  }

  /** Listen no more. */
  leave() {
    this.#source?.close();
    this.#source = null;
    this.state = "connecting";
  }

  get isPaused() {
    return this.#held !== null;
  }

  get isRecording() {
    return this.#opened !== null;
  }

  /** Show nothing new until told to go on. */
  pause(wanted) {
    this.#held = wanted ? new Map(this.#live) : null;
    this.#tell(this.state);
  }

  /** Forget what is live, here. */
  clear() {
    this.#live.clear();
    this.#held?.clear();
    this.#tell(this.state);
  }

  /** The records that are shown, the oldest first. @returns {TraceRecord[]} */
  get shown() {
    return [...(this.#opened ?? this.#held ?? this.#live).values()].sort((one, other) => one.at - other.at);
  }

  /** What belongs together, the newest first. @returns {Story[]} */
  stories() {
    return storiesOf(this.shown);
  }

  /** Return the text of a file that keeps *records*. */
  static save(records) {
    return JSON.stringify({ format: FORMAT, saved_at: new Date().toISOString(), records }, null, 1);
  }

  /**
   * Show what a file keeps.  Throw a TypeError for one that is no recording.
   * @param {string} text
   * @param {string} name
   */
  open(text, name) {
    let members;
    try {
      members = JSON.parse(text);
    } catch {
      throw new TypeError("json");
    }
    if (members?.format !== FORMAT || !Array.isArray(members.records) || !members.records.every(isRecord)) {
      throw new TypeError("format");
    }
    this.#opened = new Map(members.records.map((record) => [record.id, record]));
    this.fileName = name;
    this.#tell(this.state);
  }

  /** Go back to what is live. */
  close() {
    this.#opened = null;
    this.fileName = "";
    this.#tell(this.state);
  }

  #tell(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

function isRecord(record) {
  return (
    record !== null &&
    typeof record === "object" &&
    ["id", "trace", "from", "to", "title", "status"].every((name) => typeof record[name] === "string") &&
    typeof record.at === "number" &&
    KINDS.has(record.kind) &&
    Array.isArray(record.events)
  );
}

/**
 * Return stories: records that led to each other.
 * @param {TraceRecord[]} records  the oldest first
 * @returns {Story[]} the newest first
 */
export function storiesOf(records) {
  const chief = new Map();
  const find = (name) => {
    let at = name;
    while (chief.has(at) && chief.get(at) !== at) at = chief.get(at);
    return at;
  };
  const join = (one, other) => {
    const [first, second] = [find(one), find(other)];
    if (first !== second) chief.set(second, first);
  };
  for (const record of records) {
    join(record.trace, record.id);
    for (const other of [record.cause, record.came_from]) if (other) join(other, record.id);
  }
  /** @type {Map<string, TraceRecord[]>} */
  const groups = new Map();
  for (const record of records) {
    const name = find(record.id);
    groups.set(name, [...(groups.get(name) ?? []), record]);
  }
  return [...groups.values()].map(storyOf).sort((one, other) => other.at - one.at);
}

function storyOf(records) {
  const first = records.find(({ kind }) => kind === "request") ?? records[0];
  const order = { good: 0, odd: 1, bad: 2 };
  const worst = records.reduce((one, other) => (order[other.verdict] > order[one.verdict] ? other : one));
  const last = Math.max(...records.map(({ at }) => at));
  return { id: records[0].id, at: last, title: first.title, status: first.status, verdict: worst.verdict, records };
}
