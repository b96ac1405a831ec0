/**
 * The page, put together: whatever is impure is made here, once, and handed to the views.
 *
 * This file knows who needs what; it does not know what anything does.
 */

import { Api } from "./api.js";
import { Language } from "./language.js";
import { logOut } from "./logout.js";
import { go } from "./router.js";
import { Session } from "./session.js";
import { Shell } from "./shell.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip/strip.js";
import { keepInStep } from "./tabs.js";
import { Wire } from "./wire.js";

/**
 * @typedef {object} App
 * @property {{api: string, mailbox: string, weibo: string, providers?: string[]}} config
 * @property {Language} language
 * @property {Session} session
 * @property {Wire} wire
 * @property {Api} api
 * @property {Storage} store   this tab's
 * @property {Stage} stage
 * @property {(message: string, kind?: "good"|"bad"|"plain") => void} say  tell something, also to who does not see it
 * @property {(path: string, message: string, kind?: "good"|"bad"|"plain", how?: object) => void} arrive
 *           go there, and tell it there
 * @property {() => Promise<void>} logOut
 * @property {{path: string}} wanted  where somebody wanted to go who had to log in first
 */

/** Firefox adds a preflight's answer to what it remembers; Chromium and WebKit replace that. */
const REPLACES = !/\bGecko\/\d/.test(navigator.userAgent);

/**
 * Make the page.
 * @returns {Promise<App>}
 */
export async function makeApp() {
  const config = await readConfig();
  const store = sessionStorage;
  const language = new Language(localStorage, navigator.languages);
  const session = new Session(store);
  const wire = new Wire(location.origin, store, { replaces: REPLACES });
  const api = new Api(config.api, session, wire, () => language.code);
  /** @type {any} */
  const app = { config, language, session, wire, api, store, wanted: { path: "" } };
  const shell = new Shell(app);
  app.say = (message, kind = "good") => shell.say(message, kind, false);
  app.arrive = (path, message, kind = "good", how = {}) => {
    shell.say(message, kind, location.hash !== `#${path}`);
    go(path, how);
  };
  app.stage = new Stage(app, shell.main);
  app.logOut = () => logOut(app);
  document.body.append(...shell.elements, new Strip(app).element);
  keepInStep(session);
  return app;
}

/** Return what this page's own server says: where the API and the sandbox are. */
async function readConfig() {
  const response = await fetch("/config.json");
  if (!response.ok) {
    document.body.append("This page's server has no /config.json: it does not know where its API is.");
    throw new Error("no /config.json");
  }
  return response.json();
}
