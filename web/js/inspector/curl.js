/**
 * A request as a command line, and as fields to be changed and sent again.
 *
 * This file knows requests as data; it sends nothing.
 */

/** What curl writes itself, or what is about the connection. */
const ITS_OWN = new Set(["host", "content-length", "connection", "accept-encoding", "transfer-encoding"]);

/** What a script may set; the browser refuses or overwrites the rest. */
const SETTABLE = new Set([
  "authorization",
  "content-type",
  "accept-language",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "x-request-id",
]);

/** Return method and target of a request line. */
export function partsOf(request) {
  const [method, target] = request.line.split(" ");
  return { method, target };
}

/**
 * Return the command that sends a request again.
 * @param {string} api
 * @param {import("./records.js").Message} request
 */
export function curlOf(api, request) {
  const { method, target } = partsOf(request);
  const words = ["curl -i", `-X ${method}`, quote(api + target)];
  for (const [name, value] of request.headers) {
    if (!ITS_OWN.has(name.toLowerCase())) words.push(`-H ${quote(`${name}: ${value}`)}`);
  }
  if (request.body) words.push(`--data-raw ${quote(request.body)}`);
  return words.join(" \\\n  ");
}

/** Return a text as a shell takes it for one word, whatever is in it. */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Return the headers of a request that a script may set, a line each. */
export function settableHeaders(request) {
  return request.headers
    .filter(([name]) => SETTABLE.has(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

/** Return lines "Name: value" with another Idempotency-Key, if there is one. */
export function withNewKey(text) {
  return text.replace(/^(idempotency-key: ).*$/im, (_, name) => `${name}"${crypto.randomUUID()}"`);
}

/** Return lines "Name: value" as pairs; throw a TypeError, with the line, for one that is none. */
export function headerPairs(text) {
  return text
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
      const at = line.indexOf(":");
      if (at < 1) throw new TypeError(line);
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
}
