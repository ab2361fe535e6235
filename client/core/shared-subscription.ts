import type { Channel } from "../../contract/channels.ts";
import type { ChannelError } from "../../contract/errors.ts";
import type { DataMessage, HeartbeatMessage, SubscribedMessage } from "../../contract/frames.ts";
import { compareIds, FIRST_ID, MAXIMUM_RATE } from "../../contract/wire.ts";
import { channelTraits } from "./channel-traits.ts";
import type { Receiver } from "./receiver.ts";
import type { Settlement, Track } from "./track.ts";

/** The ids that a request names: one for every stream, by stream, or none. */
export type AskedIds = typeof FIRST_ID | ReadonlyMap<string, string> | undefined;

/** Where the furthest behind of several receivers is, by stream. */
function oldestPositions(tracks: readonly Track[]): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { positions } of tracks) {
    for (const [key, id] of positions) {
      const other = ids.get(key);
      if (other === undefined || compareIds(id, other) < 0) ids.set(key, id);
    }
  }
  return ids;
}

/** One subscription on the wire, however many components of the application share it. */
export class SharedSubscription {
  readonly channel: Channel;
  readonly marketId: string | undefined;
  readonly isPrivate: boolean;
  readonly isLatest: boolean;
  /** Whether the request is for one stream, so that `lastId` is an id and not a map. */
  readonly hasOneStream: boolean;
  readonly receivers = new Set<Receiver>();
  /** Whether a connection carries it just now. */
  isCarried = false;
  /** When a message or a heartbeat last came, in ms since 1970. */
  heardAt = 0;
  /** The newest id by stream, and on `latest` channels the message. */
  readonly #heads = new Map<string, string>();
  readonly #values = new Map<string, DataMessage>();
  #isAnswered = false;
  #failure: ChannelError | undefined;

  constructor(channel: Channel, marketId: string | undefined) {
    const { access, key, delivery } = channelTraits(channel);
    this.channel = channel;
    this.marketId = marketId;
    this.isPrivate = access === "private";
    this.isLatest = delivery === "latest";
    this.hasOneStream = key !== "marketId" || marketId !== undefined;
  }

  /** The `maxRate` to ask for: what is enough for every receiver, undefined where that is all. */
  get maxRate(): number | undefined {
    const rates = [...this.receivers].map(({ maxRate }) => maxRate ?? Number.POSITIVE_INFINITY);
    const highest = Math.max(1, Math.ceil(Math.max(...rates)));
    return highest <= MAXIMUM_RATE ? highest : undefined;
  }

  /** Takes a receiver in. Returns whether that takes a request: it is the first, begins elsewhere, or wants more. */
  add(receiver: Receiver, hasOwnStart: boolean): boolean {
    const { maxRate } = this;
    this.receivers.add(receiver);
    if (this.#failure) receiver.fail(this.#failure);
    if (!this.#isAnswered) return this.receivers.size === 1 || hasOwnStart;
    if (hasOwnStart && !this.isLatest) return true;
    if (this.isLatest) receiver.track.start();
    else receiver.track.startAt(this.#heads);
    for (const [key, message] of this.#values) receiver.take(key, message);
    receiver.refresh();
    return this.maxRate !== maxRate;
  }

  /** Hands a message to every receiver. Returns whether one of them found a hole before it. */
  take(message: DataMessage): boolean {
    this.heardAt = Date.now();
    const key = this.keyOf(message);
    let hasHole = false;
    for (const receiver of this.receivers) hasHole = receiver.take(key, message) === "hole" || hasHole;
    if (!hasHole) this.#advance(key, message);
    return hasHole;
  }

  /** The ids to name in a request: of all streams, or of those given. */
  idsToAsk(only?: ReadonlySet<string>): AskedIds {
    if (this.isLatest && !this.#isAnswered) return undefined;
    const tracks = [...this.receivers].map(({ track }) => track);
    if (!this.hasOneStream && tracks.some(({ wantsAll }) => wantsAll)) return FIRST_ID;
    const ids = oldestPositions(tracks);
    if (only) return new Map([...only].map((key) => [key, ids.get(key) ?? FIRST_ID]));
    return ids.size > 0 ? ids : undefined;
  }

  /** Takes the answer to a request that named `asked`. Returns the streams that have to be asked for once more. */
  settle(answer: SubscribedMessage, asked: AskedIds): Set<string> {
    this.heardAt = Date.now();
    this.#isAnswered = true;
    this.isCarried = true;
    this.#failure = undefined;
    const ids = answer.ids ? Object.entries(answer.ids) : [[this.marketId ?? "", answer.id ?? FIRST_ID] as const];
    const again = new Set<string>();
    for (const [key, id] of ids) {
      const isLost = answer.recovered === false && (answer.unrecovered?.includes(key) ?? true);
      const settlement = { id, asked: typeof asked === "object" ? asked.get(key) : asked, isLost };
      if (this.#settleStream(key, settlement)) again.add(key);
    }
    for (const receiver of this.receivers) {
      receiver.track.start();
      receiver.refresh();
    }
    return again;
  }

  /** Takes note of a heartbeat. */
  hear(): void {
    this.heardAt = Date.now();
    for (const receiver of this.receivers) if (receiver.status === "stale") receiver.refresh();
  }

  /** The streams of which a heartbeat names newer entries than a receiver has. */
  behind(heartbeat: HeartbeatMessage): Set<string> {
    const ids = heartbeat.ids
      ? Object.entries(heartbeat.ids)
      : [[this.keyOf(heartbeat), heartbeat.id ?? FIRST_ID] as const];
    return new Set(ids.filter(([key, id]) => this.#isBehind(key, id)).map(([key]) => key));
  }

  keyOf({ marketId }: { readonly marketId?: string | undefined }): string {
    return marketId ?? "";
  }

  /** No connection carries it any more. */
  interrupt(): void {
    this.isCarried = false;
    this.#failure = undefined;
    for (const receiver of this.receivers) receiver.interrupt();
  }

  /** The service refuses it. */
  fail(error: ChannelError): void {
    this.isCarried = false;
    this.#failure = error;
    for (const receiver of [...this.receivers]) receiver.fail(error);
  }

  /** Silence says nothing where there is no stream yet that could be heard of. */
  checkFreshness(now: number, staleAfterMs: number): void {
    if (now - this.heardAt <= staleAfterMs || (!this.hasOneStream && this.#heads.size === 0)) return;
    for (const receiver of this.receivers) receiver.markStale();
  }

  /** The user has changed: nothing that was known holds for the new one. */
  reset(): void {
    this.#isAnswered = false;
    this.#heads.clear();
    this.#values.clear();
    for (const { track } of this.receivers) track.reset();
    this.interrupt();
  }

  /** Returns whether entries are left out that the request did not name. */
  #settleStream(key: string, settlement: Settlement): boolean {
    const { id, asked, isLost } = settlement;
    for (const receiver of this.receivers) receiver.settle(key, settlement);
    if (isLost || compareIds(id, this.#heads.get(key) ?? FIRST_ID) > 0) this.#heads.set(key, id);
    return asked === undefined && !this.isLatest && this.#isBehind(key, id);
  }

  #isBehind(key: string, id: string): boolean {
    for (const { track } of this.receivers) if (track.isBehind(key, id)) return true;
    return false;
  }

  #advance(key: string, message: DataMessage): void {
    const head = this.#heads.get(key);
    if (head !== undefined && message.prev !== head && compareIds(message.id, head) <= 0) {
      if (!this.isLatest || this.#values.has(key)) return;
    }
    this.#heads.set(key, message.id);
    if (this.isLatest) this.#values.set(key, message);
  }
}
