/**
 * What a clause demands: the rules of /specs.json, by the names that steps and checks give them.
 *
 *     rulesOf("RFC 7515 §5.2 steps 2-4")   →   three rules, each with its level, its words in two languages, a link
 *
 * This file knows names of clauses, one at a time; `specs/__init__.py` reads whole texts by the same grammar.
 */

/** @typedef {{id: string, cite: string, level: string, en: string, zh: string, url: string}} Rule */

/** @type {Promise<Rule[]>|undefined} */
let all;

/**
 * Return the rules that a clause means; one without rules of its own means those of the clauses within it.
 * @param {string} clause
 * @returns {Promise<Rule[]>}
 */
export async function rulesOf(clause) {
  all ??= fetch("/specs.json").then(async (response) => (await response.json()).rules);
  const rules = await all;
  const wanted = spread(clause);
  const exact = rules.filter(({ cite }) => wanted.includes(cite));
  return exact.length ? exact : rules.filter(({ cite }) => cite.startsWith(`${clause}.`) || cite.startsWith(`${clause} `));
}

/** Return each clause of a range of steps: "… steps 2-4" is three. */
function spread(clause) {
  const range = /^(.+) steps (\d+)-(\d+)$/.exec(clause);
  if (!range) return [clause];
  const [first, last] = [Number(range[2]), Number(range[3])];
  return Array.from({ length: last - first + 1 }, (_, at) => `${range[1]} step ${first + at}`);
}
