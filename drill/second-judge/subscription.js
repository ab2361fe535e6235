import { canSucceedLater, channels, compareIds, FIRST_ID, streamNameOf } from "./protocol.js";
import { StreamFollower } from "./stream-follower.js";

/** Most markets that `lastId` may name. */
const MAXIMUM_NAMED = 500;

/** Least time between a request and the next one that follows from rule 3 or 4, in ms (rule 8). */
const REPEAT_MS = 1_000;

/** Growing waits after an `error` that can succeed later, in ms. */
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

/** Time that a request may stay without an answer before its connection counts as dead, in ms. */
export const ANSWER_TIMEOUT_MS = 15_000;

/**
 * @typedef {{ channel: string, marketId?: string | readonly string[] }} Request
 * @typedef {{ channel: string, marketId?: string | readonly string[], id?: string, ids?: Record<string, string>,
 *   recovered?: boolean, unrecovered?: readonly string[] }} Answer
 * @typedef {{ channel: string, marketId?: string, event?: string, data: any, id: string, prev: string }} DataMessage
 */

/** One subscription of one client over all its connections: rules 1 to 8 of docs/protocol.md. */
export class Subscription {
  /** @type {Map<string | undefined, StreamFollower>} by market, or by the user, or undefined */
  followers = new Map();
  /** @type {"idle" | "asked" | "subscribed" | "waiting" | "refused"} */
  state = "idle";
  askedAt = 0;
  requests = 0;
  #errors = 0;
  #hasAnswer = false;
  #wasAskedWithIds = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{ request: Request, user?: string | undefined, journal: import("./journal.js").Journal,
   *   send: (request: object) => void }} options `send` puts a subscribe on the wire
   */
  constructor({ request, user, journal, send }) {
    this.request = request;
    this.traits = channels[request.channel];
    this.user = this.traits.isPrivate ? user : undefined;
    this.journal = journal;
    this.send = send;
    this.isSingle = !this.traits.hasMarkets || typeof request.marketId === "string";
  }

  /** Rule 5: asks on a connection that is new. */
  connected() {
    this.#errors = 0;
    this.ask();
  }

  disconnected() {
    clearTimeout(this.#timer);
    this.state = "idle";
  }

  ask() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.state = "asked";
    this.askedAt = Date.now();
    this.requests += 1;
    // Of more markets than a request may name, those that moved last: the answer names the others.
    const ids = [...this.followers]
      .map(([key, { position }]) => [key, position])
      .sort(([, a], [, b]) => compareIds(b, a))
      .slice(0, MAXIMUM_NAMED);
    // A whole channel that had no markets is resumed with an empty map: those that began meanwhile are named then.
    this.#wasAskedWithIds = this.#hasAnswer;
    if (!this.#hasAnswer) this.send(this.request);
    else this.send({ ...this.request, lastId: this.isSingle ? ids[0]?.[1] : Object.fromEntries(ids) });
  }

  /** Rule 6 and 7. @param {Answer} answer */
  answered(answer) {
    this.state = "subscribed";
    this.#errors = 0;
    const pairs = answer.ids ? Object.entries(answer.ids) : [[this.#singleKey(), answer.id ?? FIRST_ID]];
    const unknown = pairs.filter(([key]) => !this.followers.has(key));
    for (const [key, id] of pairs) this.#read(key, id, answer);
    for (const [key, id] of unknown) this.#meet(key, id);
    const hasUnseenBeginning = unknown.length > 0 && this.#wasAskedWithIds;
    this.#hasAnswer = true;
    if (hasUnseenBeginning) this.ask();
  }

  /** The answer's part on a stream that is followed. */
  #read(key, id, { recovered, unrecovered }) {
    const follower = this.followers.get(key);
    if (!follower) return;
    const isLost = recovered === false && (unrecovered?.includes(key ?? "") ?? true);
    if (isLost) this.journal.told(this.#nameOf(key), follower.position);
    follower.answer({ id, isLost });
  }

  /** A stream that is new: from the answer on, or (rule 7) from its beginning where that was missed. */
  #meet(key, id) {
    const isFromNow = !this.#wasAskedWithIds;
    if (isFromNow) this.journal.began(this.#nameOf(key));
    this.#follow(key, isFromNow && !this.traits.isLatest ? id : FIRST_ID);
  }

  /** The request was refused, or the subscription has ended. @param {{ code: string, message?: string }} error */
  failed({ code, message }) {
    if (!canSucceedLater(code)) {
      this.state = "refused";
      this.journal.refused(this.request, `${code}: ${message}`);
      return;
    }
    this.state = "waiting";
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#errors);
    this.#errors += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), wait * (0.5 + Math.random() / 2));
  }

  /** Rules 1 to 3. @param {DataMessage} message */
  received(message) {
    const key = message.marketId ?? this.#singleKey();
    const follower = this.followers.get(key) ?? this.#follow(key, FIRST_ID);
    const step = follower.take(message);
    if (step === "show") this.journal.applied(this.#nameOf(key), message);
    if (step === "drop") this.journal.repeats += 1;
    if (step === "missing" && this.state === "subscribed") this.ask();
    if (step === "reset") this.#askSoon();
  }

  /** Rules 3 and 4. @param {{ marketId?: string, id?: string, ids?: Record<string, string> }} heartbeat */
  heard({ marketId, id, ids }) {
    if (this.state !== "subscribed") return;
    const now = Date.now();
    const pairs = ids ? Object.entries(ids) : id === undefined ? [] : [[marketId ?? this.#singleKey(), id]];
    for (const [key, current] of pairs) {
      const follower = this.followers.get(key) ?? this.#follow(key, FIRST_ID);
      if (follower.hear(current, now) === "reset") this.#askSoon();
    }
  }

  /** Rule 4: a heartbeat was ahead, and a second later still is. */
  check() {
    const now = Date.now();
    if (this.state !== "subscribed") return;
    if ([...this.followers.values()].some((follower) => follower.isBehind(now))) this.#askSoon();
  }

  /** @param {string} stream its name */
  positionOf(stream) {
    return [...this.followers].find(([key]) => this.#nameOf(key) === stream)?.[1].position;
  }

  get isSettled() {
    return this.state === "subscribed" && this.#timer === undefined;
  }

  /** True if the connection seems dead: a request has no answer. */
  get isUnanswered() {
    return this.state === "asked" && Date.now() - this.askedAt > ANSWER_TIMEOUT_MS;
  }

  /** True if a message of that market belongs here. @param {string | undefined} marketId */
  covers(marketId) {
    const asked = this.request.marketId;
    if (asked === undefined) return true;
    return typeof asked === "string" ? asked === marketId : asked.includes(marketId ?? "");
  }

  #askSoon() {
    if (this.state !== "subscribed" || this.#timer) return;
    const wait = this.askedAt + REPEAT_MS - Date.now();
    if (wait <= 0) return this.ask();
    this.#timer = setTimeout(() => this.ask(), wait);
  }

  #singleKey() {
    return typeof this.request.marketId === "string" ? this.request.marketId : this.user;
  }

  /** @param {string | undefined} key @param {string} position */
  #follow(key, position) {
    const follower = new StreamFollower({ isLatest: this.traits.isLatest, position });
    this.followers.set(key, follower);
    return follower;
  }

  /** @param {string | undefined} key */
  #nameOf(key) {
    return streamNameOf(this.request.channel, key);
  }
}
