import { channels, stateOf, streamNameOf } from "./protocol.js";

/** @typedef {import("./index.d.ts").JournalEvent} JournalEvent */

/** Messages and notices that one application got, by stream, in the order in which they came. */
export class Journal {
  /** @type {Map<string, JournalEvent[]>} */
  streams = new Map();
  /** Events that must never occur, in words: messages of somebody else, lasting refusals. @type {JournalEvent[]} */
  strays = [];
  repeats = 0;

  /**
   * @param {string} stream
   * @param {{ channel: string, marketId?: string, event?: string, data: any, id: string }} message
   */
  applied(stream, { channel, event, data, id }) {
    if (event === undefined) return this.unnamed(stream, `${id} came without its event`);
    const [number, owner] = event.slice(1).split("@");
    const state = stateOf(channel, data);
    this.#add(stream, { type: "applied", id, number: Number(number), at: Date.now(), ...state });
    const actual = streamNameOf(channel, owner);
    if (owner !== undefined && actual !== stream) this.foreign(stream, `a message of ${actual}: ${event} (${id})`);
  }

  /** Notes a notice that entries after an id are no longer available. @param {string} stream @param {string} after */
  told(stream, after) {
    this.#add(stream, { type: "told", after, at: Date.now() });
  }

  /** A new subscription, from now on: what came before is none of its business. @param {string} stream */
  began(stream) {
    this.#add(stream, { type: "began", at: Date.now() });
  }

  /** A subscription said `live` for too long without what was published. @param {string} stream @param {number} number */
  falselyLive(stream, number) {
    // One for as long as nothing comes.
    if (this.of(stream).at(-1)?.type === "falselyLive") return;
    this.#add(stream, { type: "falselyLive", number, at: Date.now() });
  }

  /** @param {string} stream @param {string} text */
  foreign(stream, text) {
    this.strays.push({ type: "foreign", stream, text, at: Date.now() });
  }

  /** Notes a message that does not say what it is: it cannot be compared. @param {string} stream @param {string} text */
  unnamed(stream, text) {
    this.strays.push({ type: "unnamed", stream, text, at: Date.now() });
  }

  /** @param {{ channel: string, marketId?: string | readonly string[] }} request @param {string} code */
  refused({ channel, marketId }, code) {
    this.strays.push({
      type: "refused",
      stream: streamNameOf(channel, marketId?.toString()),
      text: code,
      at: Date.now(),
    });
  }

  /** @param {string} stream @returns {readonly JournalEvent[]} */
  of(stream) {
    return this.streams.get(stream) ?? [];
  }

  /** Forgets everything; a new round begins. */
  reset() {
    this.streams = new Map();
    this.strays = [];
    this.repeats = 0;
  }

  /** @param {string} stream @param {JournalEvent} event */
  #add(stream, event) {
    const events = this.streams.get(stream);
    if (events) events.push(event);
    else this.streams.set(stream, [event]);
  }
}

/** The streams that a request covers. @param {import("./index.d.ts").Plan} plan @param {readonly string[]} markets */
export function streamsOf({ requests, user }, markets) {
  return requests.flatMap(({ channel, marketId }) => {
    const { isPrivate, hasMarkets } = channels[channel];
    if (isPrivate) return [streamNameOf(channel, user)];
    if (!hasMarkets) return [channel];
    return [marketId ?? markets].flat().map((market) => streamNameOf(channel, market));
  });
}
