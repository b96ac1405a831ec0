/**
 * Sentences of the code, in another language: what a check found, what is wrong with a policy, why a lab refuses.
 *
 * The code says them in English, with what it saw filled in.  A table has the same sentences with {} for what differs;
 * `dada/phrases.py` translates in the same way.  So a record needs one language only, and a recording tells itself in
 * whichever the reader has chosen.
 *
 * This file knows sentences; it does not know what they are about.
 */

/** A table of sentences. */
export class Found {
  #exact = new Map();
  /** @type {[RegExp, string][]} */
  #patterns = [];

  /** @param {Record<string, string>} table */
  constructor(table) {
    for (const [english, other] of Object.entries(table)) {
      if (english.includes("{}")) this.#patterns.push([pattern(english), other]);
      else this.#exact.set(english, other);
    }
  }

  /** Return *text* in the other language; as it is where the table does not have it. */
  told(text) {
    const exact = this.#exact.get(text);
    if (exact !== undefined) return exact;
    for (const [english, other] of this.#patterns) {
      const words = english.exec(text)?.slice(1);
      if (words) return other.replaceAll("{}", () => this.told(words.shift() ?? ""));
    }
    return text;
  }
}

function pattern(english) {
  const pieces = english.split("{}").map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pieces.join("([^]+?)")}$`);
}
