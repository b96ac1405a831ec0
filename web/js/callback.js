/**
 * The page to which a provider sends the browser back: /callback/<provider>.html.  It judges the return, hands it over, and goes on: straight in, or to
 * the form that binds or registers.  Whatever fails is told here, with a way back.
 *
 * This file knows the end of the flow; the rules are in oauth.js.
 */

import { search } from "./arrival.js";
import { makeApp } from "./app.js";
import { exchange, judge, providerOf, readReturn, takeFlow } from "./oauth.js";
import { to } from "./router.js";
import { returning } from "./views/returning.js";

export const app = await makeApp();

const returned = readReturn(search);
const flow = takeFlow(app.store);
const provider = providerOf(location.pathname);
const verdict = judge(returned, flow, provider);

/** @type {import("./views/returning.js").Outcome} */
let outcome = {
  provider,
  kind: verdict === "ok" ? "waiting" : verdict,
  error: null,
  denied: returned.error === "access_denied",
};

app.stage.show(() => returning(app, outcome), { focus: false });
if (verdict === "ok" && flow) {
  try {
    const told = await exchange(app.api, app.store, returned, flow);
    if (told.status === "logged_in") app.session.begin(told);
    location.replace(to(told.status === "logged_in" ? told.return_to ?? "/account" : "/weibo"));
  } catch (error) {
    outcome = { ...outcome, kind: "refused", error };
    app.stage.show(() => returning(app, outcome));
  }
}
