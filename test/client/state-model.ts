import { Receiver } from "../../client/core/subscriptions/receiver.ts";
import { SharedSubscription } from "../../client/core/subscriptions/shared-subscription.ts";
import type { Message } from "../../client/core/types.ts";
import type { Depth } from "../../contract/limits.ts";
import type { ChangesMessage, DataEvent, SubscribedMessage } from "../../contract/messages.ts";
import { composeChanges } from "../../contract/state/state-change.ts";
import { type Book, type StateService, seeded, someRows } from "./state-service.ts";

interface Reply {
  readonly reply: SubscribedMessage;
  readonly requested: ReturnType<SharedSubscription["startRequest"]>;
}

const topic = { channel: "market:orderbook", marketId: "m" } as const;
const connection = {};

const isReply = (frame: DataEvent | Reply | undefined): frame is Reply => frame !== undefined && "reply" in frame;

const isChanges = (frame: DataEvent | Reply | undefined): frame is ChangesMessage =>
  frame !== undefined && "changes" in frame;

/** What the transport or a forger may do to the first frame on its way. */
export type Fault = "drop" | "double" | "swap" | "row" | "key" | "sum" | "form";

/** A subscription of the client, a service, and the frames on their way: every fault happens when the test says so. */
export class StateModel {
  readonly service: StateService;
  readonly shared = new SharedSubscription(topic);
  readonly receivers: {
    readonly receiver: Receiver<"market:orderbook">;
    readonly shown: Message<"market:orderbook">[];
  }[] = [];
  frames: (DataEvent | Reply)[] = [];
  /** Requests that were wrong messages' fault. */
  wrong = 0;
  #depth: Depth | undefined;
  #isRequesting = false;
  #isWanted = false;
  readonly #random: () => number;

  constructor(service: StateService, depths: readonly (Depth | undefined)[], seed: number) {
    this.service = service;
    this.#random = seeded(seed);
    for (const depth of depths) this.join(depth);
  }

  /** Adds a receiver. */
  join(depth: Depth | undefined): void {
    const shown: Message<"market:orderbook">[] = [];
    const receiver = new Receiver<"market:orderbook">({
      topic,
      isLatest: true,
      hasOneStream: true,
      options: { ...(depth === undefined ? {} : { depth }), onMessage: (message) => shown.push(message) },
      health: () => this.shared.health.current,
      onClose: () => this.shared.receivers.delete(receiver as unknown as Receiver),
      onListenerError: (error) => {
        throw error;
      },
    });
    this.receivers.push({ receiver, shown });
    if (this.shared.add(receiver as unknown as Receiver, false)) this.request();
  }

  /** Closes the newest receiver, if there is another one. */
  leave(): void {
    if (this.receivers.length < 2) return;
    this.receivers.pop()?.receiver.close();
    if (this.shared.receivers.areOutdated) this.request();
  }

  /** Loses all frames, and resumes. */
  reconnect(): void {
    this.frames = [];
    this.#isRequesting = false;
    this.shared.health.clear();
    this.request();
  }

  request(): void {
    if (this.#isRequesting) {
      this.#isWanted = true;
      return;
    }
    this.#isRequesting = true;
    const requested = this.shared.startRequest();
    const lastId = typeof requested === "object" ? requested.get("m") : undefined;
    this.#depth = this.shared.receivers.depth;
    const id = this.service.view(this.#depth).at(-1)?.id ?? "0-0";
    const isHeld = this.service.view(this.#depth).some((each) => each.id === lastId);
    const reply = { ...topic, id, ...(lastId === undefined ? {} : { recovered: isHeld }) };
    this.frames.push({ reply, requested }, ...(this.service.afterReply(lastId, this.#depth) as DataEvent[]));
  }

  publish(): void {
    const before = this.service.view(this.#depth).at(-1)?.id;
    this.service.publish(someRows(this.service.value, this.#random));
    if (this.service.view(this.#depth).at(-1)?.id !== before) this.frames.push(this.service.newest(this.#depth));
  }

  heartbeat(): void {
    const id = this.service.view(this.#depth).at(-1)?.id ?? "0-0";
    if (this.shared.takeHeartbeat({ ...topic, id }, !this.#isRequesting).size > 0) this.request();
  }

  /** Delivers the first frame. Returns false if there is none. */
  deliver(): boolean {
    const frame = this.frames.shift();
    if (!frame) return false;
    if (isReply(frame)) this.#onReply(frame);
    else {
      const finding = this.shared.take(frame, !this.#isRequesting);
      if (finding === "wrong") this.wrong += 1;
      if (finding !== "fine") this.request();
    }
    return true;
  }

  /** Joins the first two frames to one, as a service does for a slow consumer. */
  compose(): void {
    const [older, newer, ...others] = this.frames;
    if (!isChanges(older) || !isChanges(newer) || newer.prev !== older.id || older.depth !== newer.depth) return;
    this.frames = [{ ...newer, prev: older.prev, changes: composeChanges(older.changes, newer.changes) }, ...others];
  }

  /** Does something to the first frame, unless it is a reply. Returns whether it did. */
  harm(fault: Fault): boolean {
    const [first, second, ...others] = this.frames;
    if (first === undefined || isReply(first)) return false;
    if (fault === "swap" && (second === undefined || isReply(second))) return false;
    if (fault === "swap") this.frames = [second as DataEvent, first, ...others];
    else if (fault === "double") this.frames.unshift(first);
    else if (fault === "drop") this.frames.shift();
    else this.frames[0] = forge(first, fault);
    return true;
  }

  /** Lets everything come to rest, as time does: frames arrive, heartbeats come, overdue messages are requested. */
  settle(): void {
    for (let round = 0; round < 20; round += 1) {
      while (this.deliver());
      // One heartbeat below a position may have been overtaken.
      for (let count = 0; count < 2; count += 1) this.heartbeat();
      this.shared.markOverdue();
      if (this.shared.behind.size > 0) this.request();
      if (this.frames.length === 0 && this.receivers.every(({ receiver }) => receiver.status === "live")) return;
    }
    throw new Error(`not live after 20 rounds: ${this.receivers.map(({ receiver }) => receiver.status)}`);
  }

  #onReply({ reply, requested }: Reply): void {
    this.#isRequesting = false;
    const isFirst = !this.shared.health.isConfirmed;
    this.shared.applyReply(reply, { requested, mayLower: true, onReplay: () => undefined });
    const again = this.shared.finishReply(connection, { requested, isFirst });
    if (this.#isWanted || again.size > 0) {
      this.#isWanted = false;
      this.request();
    }
  }
}

/** Returns a message that is not what the service sent. */
function forge(event: DataEvent, fault: "row" | "key" | "sum" | "form"): DataEvent {
  if (fault === "sum") return { ...event, sum: ((event.sum ?? 0) + 1) % 2 ** 32 } as DataEvent;
  if ("changes" in event) {
    const { head, rows } = event.changes;
    if (fault === "form") return { ...event, changes: { head, rows: { ...rows, "yes.bids.0.40": "1" } } };
    const key = fault === "key" ? "yes.bids.0.123" : (Object.keys(rows)[0] ?? "yes.bids.0.123");
    return { ...event, changes: { head, rows: { ...rows, [key]: rows[key] === "7" ? "8" : "7" } } };
  }
  const { yes, ...others } = event.data as Book;
  if (fault === "form") return { ...event, data: { ...others, yes: { bids: yes.bids } } as Book };
  const bids = fault === "key" ? [{ price: "0.999", size: "7" }, ...yes.bids] : yes.bids.slice(1);
  return { ...event, data: { ...others, yes: { asks: yes.asks, bids } } as Book };
}
