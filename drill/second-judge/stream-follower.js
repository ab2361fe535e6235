import { compareIds, FIRST_ID } from "./protocol.js";

/** Ids that a client remembers of a stream: "100 are plenty". */
const REMEMBERED = 100;

/** Time that a heartbeat may be ahead of the messages, in ms (rule 4). */
const HEARTBEAT_PATIENCE_MS = 1_000;

/**
 * Action of a client on a message: shows it, drops it, or subscribes again because something is missing (rule 1) or
 * because the stream was reset (rule 3).
 *
 * @typedef {"show" | "drop" | "missing" | "reset"} Step
 */

/** One stream's position and rules 1 to 4 and 6 of docs/protocol.md. */
export class StreamFollower {
  /** @param {{ isLatest: boolean, position: string }} options */
  constructor({ isLatest, position }) {
    this.isLatest = isLatest;
    this.position = position;
    /** @type {string[]} */
    this.taken = [];
    /** The answer's id while what is still held follows a `recovered: false`. @type {string | undefined} */
    this.heldUntil = undefined;
    /** True if the next newer message is shown whatever its `prev`. */
    this.isUnchained = false;
    /** True if nothing is shown until the answer. */
    this.isMuted = false;
    /** The newest id that heartbeats named, and since when it is ahead. */
    this.expected = FIRST_ID;
    this.expectedSince = 0;
  }

  /** @param {{ id: string, prev: string }} message @returns {Step} */
  take({ id, prev }) {
    if (this.taken.includes(id)) {
      if (this.position === FIRST_ID) this.position = id;
      return "drop";
    }
    if (this.isMuted) return "drop";
    const isNewer = compareIds(id, this.position) > 0;
    const isHeld = this.heldUntil !== undefined && compareIds(id, this.heldUntil) <= 0;
    if (id === this.heldUntil) this.heldUntil = undefined;
    if (!isNewer) return isHeld ? "drop" : this.#mute();
    if (!this.isLatest && !this.isUnchained && prev !== this.position) return "missing";
    this.#note(id);
    return "show";
  }

  /**
   * Reads the answer's part on this stream.
   *
   * @param {{ id: string, isLost: boolean }} answer `isLost`: the answer said `recovered: false` of it
   */
  answer({ id, isLost }) {
    this.isMuted = false;
    this.expected = FIRST_ID;
    this.heldUntil = undefined;
    if (!isLost) return;
    this.isUnchained = true;
    this.heldUntil = id;
    // On `latest` the current value follows with the answer's own id. With that as the position it would be dropped.
    if (this.isLatest) this.position = FIRST_ID;
    else if (compareIds(id, this.position) < 0) this.position = id;
  }

  /** @param {string} id of a heartbeat @param {number} now @returns {"wait" | "reset"} */
  hear(id, now) {
    const order = compareIds(id, this.position);
    if (order > 0 && compareIds(id, this.expected) > 0) {
      if (compareIds(this.expected, this.position) <= 0) this.expectedSince = now;
      this.expected = id;
    }
    if (order >= 0 || this.taken.includes(id)) return "wait";
    this.#mute();
    return "reset";
  }

  /** True if the message that a heartbeat named has not come for a second. @param {number} now */
  isBehind(now) {
    return compareIds(this.expected, this.position) > 0 && now - this.expectedSince >= HEARTBEAT_PATIENCE_MS;
  }

  /** @returns {Step} */
  #mute() {
    this.isMuted = true;
    return "reset";
  }

  /** @param {string} id */
  #note(id) {
    this.position = id;
    this.isUnchained = false;
    this.taken.push(id);
    if (this.taken.length > REMEMBERED) this.taken.shift();
  }
}
