/**
 * The whole page on one screen: each address, the view at it, and who may see it.
 *
 *     anyone      no session is needed
 *     signed-in   without a session, the log-in comes first, and leads back
 */

import { account } from "./views/account.js";
import { activation } from "./views/activation.js";
import { address, newAddress } from "./views/address.js";
import { addresses } from "./views/addresses.js";
import { events } from "./views/events.js";
import { forgot, reset } from "./views/reset.js";
import { inspector } from "./views/inspector.js";
import { home } from "./views/home.js";
import { corsLab } from "./views/labcors.js";
import { labs } from "./views/labs.js";
import { oauthLab } from "./views/laboauth.js";
import { queueLab } from "./views/labqueue.js";
import { tokenLab } from "./views/labtoken.js";
import { lesson, lessons } from "./views/lessons.js";
import { logIn } from "./views/login.js";
import { password } from "./views/password.js";
import { register, registered } from "./views/register.js";
import { sessions } from "./views/sessions.js";
import { weibo } from "./views/weibo.js";

/** @type {import("./router.js").Route[]} */
export const ROUTES = [
  { path: "/", view: home, who: "anyone" },
  { path: "/register", view: register, who: "anyone" },
  { path: "/registered", view: registered, who: "anyone" },
  { path: "/activation/<token>", view: activation, who: "anyone" },
  { path: "/login", view: logIn, who: "anyone" },
  { path: "/reset", view: forgot, who: "anyone" },
  { path: "/reset/<token>", view: reset, who: "anyone" },
  { path: "/weibo", view: weibo, who: "anyone" },
  { path: "/inspector", view: inspector, who: "anyone" },
  { path: "/labs", view: labs, who: "anyone" },
  { path: "/labs/token", view: tokenLab, who: "anyone" },
  { path: "/labs/cors", view: corsLab, who: "anyone" },
  { path: "/labs/queue", view: queueLab, who: "anyone" },
  { path: "/labs/oauth", view: oauthLab, who: "anyone" },
  { path: "/lessons", view: lessons, who: "anyone" },
  { path: "/lessons/<name>", view: lesson, who: "anyone" },
  { path: "/account", view: account, who: "signed-in" },
  { path: "/addresses", view: addresses, who: "signed-in" },
  { path: "/addresses/new", view: newAddress, who: "signed-in" },
  { path: "/addresses/<id>", view: address, who: "signed-in" },
  { path: "/sessions", view: sessions, who: "signed-in" },
  { path: "/events", view: events, who: "signed-in" },
  { path: "/password", view: password, who: "signed-in" },
];
