/**
 * A story as arrows: who said what to whom, in the order of time.
 *
 * A request is an arrow there and an arrow back; between them stand what it asked of the database, of Redis and of
 * others, and its checks, as a note at the party that made them.  Neighbours of one kind are one arrow.
 *
 * This file knows records and parties; it does not know how an arrow looks.
 */

/** From left to right. */
export const PARTIES = ["browser", "api", "db", "redis", "worker", "mail", "weibo"];

/**
 * @typedef {object} Arrow
 * @property {string} id
 * @property {"ask"|"answer"|"sql"|"redis"|"put"|"checks"} kind
 * @property {import("./records.js").TraceRecord} record
 * @property {string} from
 * @property {string} to        the same as from: a note
 * @property {string} text
 * @property {number} took      milliseconds; -1 if it is not told
 * @property {"good"|"odd"|"bad"|"pending"} verdict
 * @property {any[]} events
 */

/**
 * Return the arrows of a story.
 * @param {import("./records.js").Story} story
 * @returns {Arrow[]}
 */
export function arrowsOf(story) {
  const items = story.records.flatMap(itemsOf).sort((one, other) => one.time - other.time || one.order - other.order);
  /** @type {Arrow[]} */
  const arrows = [];
  for (const { kind, record, event } of items) {
    const last = arrows.at(-1);
    if (kind === "event" && event.kind === "go") continue; // the record that it went to has arrows of its own
    if (kind === "event" && last?.record === record && joins(last, event)) {
      last.events.push(event);
      if (event.kind === "put") last.kind = "put";
      continue;
    }
    arrows.push(kind === "event" ? eventArrow(record, event) : wayArrow(kind, record));
  }
  arrows.forEach(finish);
  return arrows;
}

function itemsOf(record) {
  const items = [{ time: record.at, order: 0, kind: "ask", record, event: null }];
  for (const event of record.events) items.push({ time: record.at + event.at, order: 1, kind: "event", record, event });
  if (record.took >= 0) items.push({ time: record.at + record.took, order: 2, kind: "answer", record, event: null });
  return items;
}

function joins(last, event) {
  const kind = event.kind === "check" ? "checks" : event.kind;
  const redis = ["redis", "put"];
  return last.kind === kind || (redis.includes(last.kind) && redis.includes(kind));
}

/** The party in whose process a record was written. */
function ownerOf(record) {
  return record.kind === "job" || record.kind === "mail" ? "worker" : record.kind === "call" ? "api" : record.to;
}

function wayArrow(kind, record) {
  const back = kind === "answer";
  return {
    id: `${record.id}-${kind}`,
    kind,
    record,
    from: back ? record.to : record.from,
    to: back ? record.from : record.to,
    text: back ? record.status : record.title,
    took: back ? record.took : -1,
    verdict: back ? record.verdict : "good",
    events: [],
  };
}

function eventArrow(record, event) {
  const owner = ownerOf(record);
  const kind = event.kind === "check" ? "checks" : event.kind;
  const to = { sql: "db", redis: "redis", put: "redis", checks: owner }[kind];
  return {
    id: `${record.id}-${record.events.indexOf(event)}`,
    kind, record, from: owner, to, text: "", took: -1, verdict: "good", events: [event],
  }; // prettier-ignore
}

function finish(arrow) {
  const { kind, events } = arrow;
  if (kind === "sql") {
    const told = events.filter(({ text }) => !/^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(text));
    arrow.text = [...new Set((told.length ? told : events).map(({ text }) => shortSql(text)))].join(", ");
  } else if (kind === "redis") {
    arrow.text = [...new Set(events.map(({ text }) => text.replace(/^EVALSHA /, "").split(/\s/)[0]))].join(", ");
  } else if (kind === "put") {
    arrow.text = events.find((event) => event.kind === "put").task;
  } else if (kind === "checks") {
    const failed = events.find(({ verdict }) => verdict === "failed");
    arrow.verdict = failed ? "bad" : "good";
    arrow.text = String(events.length);
  }
  if (events.length && kind !== "checks") {
    arrow.took = events.filter((event) => event.kind !== "put").reduce((sum, event) => sum + event.took, 0);
  }
}

/** Return a statement as far as it fits an arrow: its verb and its table. */
function shortSql(text) {
  const verb = text.split(" ")[0];
  const table = /\b(?:FROM|INTO|UPDATE) (\w+)/.exec(text)?.[1] ?? "";
  return `${verb} ${table}`.trim();
}

/** What a check's group looks at in a message: names of headers, in lower case; "" is the first line. */
const LOOKS_AT = {
  cors: ["origin", "access-control-request-method", "access-control-request-headers"],
  token: ["authorization"],
  session: ["authorization"],
  caller: ["authorization"],
  repeat: ["idempotency-key"],
  precondition: ["if-match"],
  body: ["content-type", "content-length"],
  route: [""],
};

/** What in an answer says a decision. */
const SAYS =
  /^(access-control-|www-authenticate$|allow$|etag$|retry-after$|vary$|location$|ratelimit|accept-(patch|post)$)/;

/** Return, for a header of a request ("" for the first line), the groups of checks that looked at it. */
export function groupsFor(record, name) {
  const low = name.toLowerCase();
  const groups = new Set(record.events.filter(({ kind }) => kind === "check").map(({ group }) => group));
  return [...groups].filter((group) => LOOKS_AT[group]?.includes(low));
}

/** Whether a header of an answer says what was decided. */
export function saysADecision(name) {
  return SAYS.test(name.toLowerCase());
}
