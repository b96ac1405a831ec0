/**
 * Copies of a tab: "duplicate tab" copies the tab's storage, and with it a refresh token that is good once.
 *
 * Were both copies to use it, the second would look like a thief, and the API would end the session (RFC 9700 §4.14.2).
 * So a copy that renews its tokens tells the others, and only one renews at a time.  They talk over a channel that only
 * pages of this origin hear; a tab with a session of its own takes no notice, since the token before is not its own.
 *
 * This file knows tabs; it does not know the API.
 */

const NAME = "dada.session";
const TOLD = new Set(["renewed", "ended", "over"]);

/**
 * Keep the copies of this tab in step.
 * @param {import("./session.js").Session} session
 */
export function keepInStep(session) {
  const channel = new BroadcastChannel(NAME);
  session.addEventListener("change", (/** @type {CustomEvent} */ event) => {
    const { kind, before } = event.detail;
    if (TOLD.has(kind)) channel.postMessage({ before, kept: session.snapshot() });
  });
  channel.addEventListener("message", ({ data }) => {
    if (!session.isOpen || data.before !== session.refreshToken) return;
    if (data.kept) session.adopt(data.kept);
    else session.end("followed");
  });
}

/** Run *work* while no other copy runs its own. */
export function alone(work) {
  return navigator.locks ? navigator.locks.request(NAME, work) : work();
}
