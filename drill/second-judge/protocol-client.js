import { Journal } from "./journal.js";
import { canSucceedLater } from "./protocol.js";
import { Subscription } from "./subscription.js";

/** Silence after which what is shown may be old (rule 9), in ms; this client then connects anew. */
const SILENCE_MS = 15_000;

const CHECK_MS = 250;

/**
 * The rules of docs/protocol.md over any connection: what both edges have in common. A subclass puts requests on its wire
 * and hands over what comes.
 */
export class ProtocolClient {
  journal = new Journal();
  lastHeardAt = Date.now();
  /** Connections made anew because nothing came, or because a request got no answer. */
  silences = 0;
  #timer = setInterval(() => this.#check(), CHECK_MS);

  /** @param {import("./index.d.ts").Plan} plan */
  constructor({ name, user, requests }) {
    this.name = name;
    this.user = user;
    this.subscriptions = requests.map(
      (request) => new Subscription({ request, user, journal: this.journal, send: (data) => this.subscribe(data) }),
    );
  }

  /** Puts a `subscribe` on the wire. @param {object} _request */
  subscribe(_request) {
    throw new Error("a subclass sends");
  }

  /** Drops the connection and makes another one. */
  reconnect() {
    throw new Error("a subclass reconnects");
  }

  get isConnected() {
    return false;
  }

  get isSettled() {
    return this.isConnected && this.subscriptions.every(({ isSettled }) => isSettled);
  }

  get requests() {
    return this.subscriptions.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** True if the position in a stream is the given id. @param {string} stream @param {string} id */
  isAt(stream, id) {
    return this.subscriptions.some((subscription) => subscription.positionOf(stream) === id);
  }

  /** The subscriptions' states by stream, for a report. */
  describe() {
    return this.subscriptions.map(({ request, state }) => `${request.channel} ${state}`).join(", ");
  }

  onConnected() {
    this.lastHeardAt = Date.now();
    for (const subscription of this.subscriptions) subscription.connected();
  }

  onDisconnected() {
    for (const subscription of this.subscriptions) subscription.disconnected();
  }

  /** @param {string} event @param {any} data */
  onEvent(event, data) {
    this.lastHeardAt = Date.now();
    if (event === "data") return this.#onData(data);
    if (event === "error" && data.channel === undefined && !canSucceedLater(data.code)) {
      this.journal.refused({ channel: "connection" }, data.code);
    }
    for (const subscription of this.subscriptions) {
      if (subscription.request.channel !== data.channel || !isSameMarkets(subscription.request, data)) continue;
      if (event === "subscribed" && subscription.state === "asked") subscription.answered(data);
      if (event === "heartbeat") subscription.heard(data);
      // An answer to a request, or with none unanswered the end of the subscription: both are followed by another request.
      if (event === "error") subscription.failed(data);
    }
  }

  stop() {
    clearInterval(this.#timer);
    this.onDisconnected();
  }

  /** @param {import("./subscription.js").DataMessage} message */
  #onData(message) {
    const takers = this.subscriptions.filter(
      (each) => each.request.channel === message.channel && each.covers(message.marketId),
    );
    const [taker] = takers;
    if (taker) taker.received(message);
    else this.journal.foreign(message.channel, `not asked for: ${message.event} (${message.id})`);
  }

  #check() {
    for (const subscription of this.subscriptions) subscription.check();
    const isSilent = Date.now() - this.lastHeardAt > SILENCE_MS;
    if (!this.isConnected || !(isSilent || this.subscriptions.some(({ isUnanswered }) => isUnanswered))) return;
    this.silences += 1;
    this.lastHeardAt = Date.now();
    this.reconnect();
  }
}

/**
 * True if an answer or a heartbeat belongs to a subscription: its markets as they were asked for, or one of them.
 *
 * @param {import("./subscription.js").Request} request @param {{ marketId?: string | readonly string[] }} data
 */
function isSameMarkets(request, { marketId }) {
  if (typeof request.marketId === "object" && typeof marketId === "string") return request.marketId.includes(marketId);
  return String(request.marketId) === String(marketId);
}
