/**
 * Logging out: the API is told, and this tab forgets both tokens, whatever the API says.
 *
 * This file knows the refresh token; where the page goes afterwards is not its business.
 */

import { Problem, Unreachable } from "./problems.js";

/** End this session. @param {import("./app.js").App} app */
export async function logOut({ api, session }) {
  const bearer = session.refreshToken; // good for as long as the session; an access token may be over, and end nothing
  session.end("ended");
  try {
    await api.call("DELETE", "/v1/tokens/current", { bearer, keepalive: true }); // also if the page is left meanwhile
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
  }
}
