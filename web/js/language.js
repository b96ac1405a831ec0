/**
 * Languages: which one the page speaks, and its words.
 *
 * The choice is kept for the next visit; without one, the browser's own languages decide.  A "change" event tells of a
 * new choice.
 *
 * This file knows languages; what is said is in texts/.
 */

import { checksEn } from "./texts/checks_en.js";
import { checksZh } from "./texts/checks_zh.js";
import { Found } from "./found.js";
import { en } from "./texts/en.js";
import { foundZh } from "./texts/found_zh.js";
import { inspectorEn } from "./texts/inspector_en.js";
import { inspectorZh } from "./texts/inspector_zh.js";
import { labsEn } from "./texts/labs_en.js";
import { labsZh } from "./texts/labs_zh.js";
import { lessonsEn } from "./texts/lessons_en.js";
import { lessonsZh } from "./texts/lessons_zh.js";
import { wireEn } from "./texts/wire_en.js";
import { wireZh } from "./texts/wire_zh.js";
import { zh } from "./texts/zh.js";

const NAME = "dada.language";

/** @type {[number, Intl.RelativeTimeFormatUnit][]} */
const UNITS = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
];

/** As the page and the API name them, with each one's name for itself. */
export const LANGUAGES = [
  {
    code: "en",
    name: "English",
    texts: { ...en, ...lessonsEn, ...wireEn, ...checksEn, ...inspectorEn, ...labsEn },
    found: new Found({}),
  },
  {
    code: "zh-CN",
    name: "中文",
    texts: { ...zh, ...lessonsZh, ...wireZh, ...checksZh, ...inspectorZh, ...labsZh },
    found: new Found(foundZh),
  },
];

/** Return the code to begin with: what was chosen before, or what the browser prefers, or English. */
export function firstLanguage(chosen, preferred) {
  const known = (wanted) => LANGUAGES.find(({ code }) => code.slice(0, 2) === String(wanted).slice(0, 2).toLowerCase());
  for (const wanted of [chosen, ...preferred]) {
    const found = wanted && known(wanted);
    if (found) return found.code;
  }
  return LANGUAGES[0].code;
}

export class Language extends EventTarget {
  #store;

  /**
   * @param {Storage} store
   * @param {readonly string[]} preferred  the browser's
   */
  constructor(store, preferred) {
    super();
    this.#store = store;
    this.code = firstLanguage(store.getItem(NAME), preferred);
    this.t = this.t.bind(this);
    this.rich = this.rich.bind(this);
    this.told = this.told.bind(this);
  }

  /** Speak another language from now on. */
  choose(code) {
    this.code = code;
    this.#store.setItem(NAME, code);
    this.dispatchEvent(new Event("change"));
  }

  /** Return a text; {names} in it are replaced by *values*. */
  t(key, values = {}) {
    return this.rich(key, values).join("");
  }

  /** Return a text as a list of texts and whatever stands in *values*: elements, for one. */
  rich(key, values = {}) {
    const { texts } = LANGUAGES.find(({ code }) => code === this.code);
    const text = texts[key] ?? key;
    return text.split(/(\{\w+\})/).map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      return name && name in values ? values[name] : part;
    });
  }

  /** Return a sentence of the code's, which is English, in this language. @param {string} text */
  told(text) {
    return LANGUAGES.find(({ code }) => code === this.code).found.told(text);
  }

  /**
   * Return a moment as people write it.
   * @param {Date|number|string} moment
   * @param {Intl.DateTimeFormatOptions} style
   */
  moment(moment, style = { dateStyle: "medium", timeStyle: "short" }) {
    return new Intl.DateTimeFormat(this.code, style).format(new Date(moment));
  }

  /** Return how far *moment* is from *now*, in words: "in 9 minutes"; both in milliseconds. */
  distance(moment, now) {
    const seconds = Math.round((moment - now) / 1000);
    /** @type {[number, Intl.RelativeTimeFormatUnit]} */
    const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= size) ?? [1, "second"];
    return new Intl.RelativeTimeFormat(this.code, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
  }
}
