/**
 * What a User-Agent says, in a few words: for people who look through their sessions.
 *
 * Browsers call themselves by each other's names: the first that fits is the most particular one.
 */

/** @type {[RegExp, string][]} */
const BROWSERS = [
  [/Edg(?:A|iOS)?\/(\d+)/, "Edge"],
  [/OPR\/(\d+)/, "Opera"],
  [/MicroMessenger\/(\d+)/, "WeChat"],
  [/(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
  [/(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/, "Chrome"],
  [/Version\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari/, "Safari"],
];
/** @type {[RegExp, string][]} */
const SYSTEMS = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];
const SMALL = /iPhone|Android|Mobile/;

/** Return browser and system by their names ("Firefox 140 · Linux"), and whether it fits a pocket. */
export function deviceName(agent) {
  const browsers = BROWSERS.map(([form, name]) => [name, form.exec(agent)?.[1]]);
  const browser = browsers.find(([, version]) => version)?.join(" ");
  const system = SYSTEMS.find(([form]) => form.test(agent))?.[1];
  const name = [browser, system].filter(Boolean).join(" · ") || agent.slice(0, 60);
  return { name, isSmall: SMALL.test(agent) };
}
