/**
 * The session of this tab: a pair of tokens, in memory and in the tab's own storage, and nowhere else.
 *
 * sessionStorage ends with the tab, no other site reads it, and nothing of it is sent by itself: hence no cookie, and
 * no token against forged requests either.
 *
 * Each change is told by a "change" event whose detail is {kind, before}; before is the refresh token that was good
 * until then, and kind is
 *
 *     begun     somebody logged in                    ended     he logged out
 *     renewed   the next pair of tokens               over      the API says that it is over
 *     adopted   a copy of this tab was given it       followed  a copy of this tab ended
 *
 * This file knows tokens as texts; it does not know how they are got.
 */

const NAME = "dada.session";
const MARGIN_MS = 5_000; // a token that is over when it arrives is no use

/**
 * @typedef {object} Grant  what the API grants (RFC 6749 §5.1)
 * @property {string} access_token
 * @property {string} refresh_token
 * @property {number} expires_in  seconds
 * @property {string} username
 */

/** @typedef {{access: string, refresh: string, until: number, username: string}} Kept */

export class Session extends EventTarget {
  #store;
  #now;
  /** @type {Kept|null} */
  #kept;

  /**
   * @param {Storage} store
   * @param {() => number} now  milliseconds since 1970
   */
  constructor(store, now = Date.now) {
    super();
    this.#store = store;
    this.#now = now;
    this.#kept = read(store.getItem(NAME));
  }

  get isOpen() {
    return this.#kept !== null;
  }

  get username() {
    return this.#kept?.username ?? "";
  }

  get accessToken() {
    return this.#kept?.access ?? "";
  }

  get refreshToken() {
    return this.#kept?.refresh ?? "";
  }

  /** Whether the access token's time is over, as far as this clock knows. */
  get isOver() {
    return this.#kept !== null && this.#now() >= this.#kept.until - MARGIN_MS;
  }

  /** Start with a grant: somebody logged in. @param {Grant} grant */
  begin(grant) {
    this.#set(keep(grant, this.#now()), "begun");
  }

  /** Go on with the next pair. @param {Grant} grant */
  renew(grant) {
    this.#set(keep(grant, this.#now()), "renewed");
  }

  /** Go on with what another copy of this tab was given. @param {Kept} kept */
  adopt(kept) {
    this.#set(kept, "adopted");
  }

  /** Forget the tokens. @param {"ended"|"over"|"followed"} kind */
  end(kind) {
    if (this.#kept) this.#set(null, kind);
  }

  /** What a copy of this tab needs to go on. @returns {Kept|null} */
  snapshot() {
    return this.#kept && { ...this.#kept };
  }

  #set(kept, kind) {
    const before = this.refreshToken;
    this.#kept = kept;
    if (kept) this.#store.setItem(NAME, JSON.stringify(kept));
    else this.#store.removeItem(NAME);
    this.dispatchEvent(new CustomEvent("change", { detail: { kind, before } }));
  }
}

function keep(grant, now) {
  return {
    access: grant.access_token,
    refresh: grant.refresh_token,
    until: now + grant.expires_in * 1000,
    username: grant.username,
  };
}

function read(text) {
  try {
    const kept = JSON.parse(text ?? "null");
    const texts = [kept?.access, kept?.refresh, kept?.username];
    return texts.every((value) => typeof value === "string") && Number.isFinite(kept.until) ? kept : null;
  } catch {
    return null;
  }
}
