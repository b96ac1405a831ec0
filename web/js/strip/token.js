/**
 * A token's three parts in three colours: as it travels (shortened), and as it reads.
 *
 * This file knows what the claims mean to people; nothing here says whether they are true.
 */

import { h } from "../dom.js";
import { DATES } from "../jwt.js";
import { panel } from "./look.js";

const KINDS = ["header", "claims", "signature"];

/**
 * Return the panel of the token that an exchange carried.
 * @param {import("../language.js").Language} language
 * @param {import("../wire.js").Exchange} exchange
 */
export function tokenPanel(language, { token, at }) {
  const { t } = language;
  if (!token) return panel("token", t("wire.token"), null, h("p", {}, t("wire.token.none")));
  const raw = token.parts.flatMap((text, index) => [index ? "." : null, h("span", { class: KINDS[index] }, text)]);
  return panel(
    "token",
    t("wire.token"),
    t(`wire.token.${token.travels}`),
    h("pre", { class: "raw" }, raw),
    h(
      "div",
      { class: "threads" },
      thread("header", t("wire.header"), members(language, token.header, at)),
      thread("claims", t("wire.claims"), members(language, token.claims, at)),
      thread(
        "signature",
        t("wire.signature"),
        h("p", {}, t("wire.signature.more", { bytes: token.signatureBytes })),
        h("p", { class: "told" }, t("wire.token.read")),
      ),
    ),
  );
}

function thread(kind, title, ...children) {
  return h("section", { class: `thread ${kind}` }, h("h4", {}, title), ...children);
}

function members(language, values, now) {
  const rows = Object.entries(values).map(([name, value]) => {
    const key = `claim.${name}`;
    const meaning = language.t(key);
    return h(
      "div",
      {},
      h("dt", {}, name),
      h(
        "dd",
        {},
        h("code", {}, String(value)),
        h("small", {}, meaning === key ? "" : meaning, when(language, name, value, now)),
      ),
    );
  });
  return h("dl", {}, rows);
}

/** Return a date in words, as seen from the moment of the exchange. */
function when(language, name, value, now) {
  if (!DATES.has(name) || typeof value !== "number") return "";
  const moment = value * 1000;
  const words = language.moment(moment, { dateStyle: "medium", timeStyle: "medium" });
  return ` ${words} · ${language.distance(moment, now)}`;
}
