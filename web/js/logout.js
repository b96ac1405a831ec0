/**
 * Logging out: the API is told, with whatever token it still takes, and this tab forgets both, whatever the API says.
 *
 * This file knows the two tokens; where the page goes afterwards is not its business.
 */

import { Problem, Unreachable } from "./problems.js";

/** End this session. @param {import("./app.js").App} app */
export async function logOut({ api, session }) {
  const tokens = [session.accessToken, session.refreshToken]; // an access token whose time is over will do
  session.end("ended");
  for (const bearer of tokens) {
    try {
      await api.call("DELETE", "/v1/tokens/current", { bearer });
      return;
    } catch (error) {
      if (error instanceof Unreachable) return;
      if (!(error instanceof Problem)) throw error;
    }
  }
}
