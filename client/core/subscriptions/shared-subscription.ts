import type { Channel } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import { MAXIMUM_RATE } from "../../../contract/limits.ts";
import type { DataMessage, HeartbeatMessage, SubscribedMessage } from "../../../contract/messages.ts";
import { oldestIds } from "../positions/oldest-ids.ts";
import { replyStreams } from "../positions/reply-streams.ts";
import { StreamHeads } from "../positions/stream-heads.ts";
import type { RequestedIds, StreamPosition, StreamReply } from "../positions/stream-position.ts";
import type { StreamPositions } from "../positions/stream-positions.ts";
import { channelTraits } from "../topics/channel-traits.ts";
import type { StreamKey, Topic } from "../topics/topic.ts";
import type { Receiver } from "./receiver.ts";
import { SubscriptionHealth } from "./subscription-health.ts";

/** The conclusion from a message or a heartbeat: nothing to do, messages are missing, or the stream was reset. */
export type Finding = "fine" | "hole" | "reset";

/** The request of a reply, and the rules to apply it by. */
export interface ReplyOptions {
  readonly requested: RequestedIds;
  /** True if an id below a receiver's position shows a reset. */
  readonly mayLower: boolean;
  /** Called with each stream that the service replays, and the last id of the replay. */
  readonly onReplay: (end: StreamPosition) => void;
}

/** One subscription at the service, shared by any number of receivers in the application. */
export class SharedSubscription {
  readonly topic: Topic;
  readonly channel: Channel;
  readonly isPrivate: boolean;
  readonly isLatest: boolean;
  /** True if the request is for one stream, so that `lastId` is an id and not a map. */
  readonly hasOneStream: boolean;
  readonly receivers = new Set<Receiver>();
  readonly health = new SubscriptionHealth(() => this.#refresh());
  readonly #heads: StreamHeads;
  /** Streams whose last heartbeat named an id that is known and older than a receiver's position, with that id. */
  readonly #lowIds = new Map<StreamKey, string>();
  #isAnswered = false;

  constructor(topic: Topic) {
    const { access, key, delivery } = channelTraits(topic.channel);
    this.topic = topic;
    this.channel = topic.channel;
    this.isPrivate = access === "private";
    this.isLatest = delivery === "latest";
    this.hasOneStream = key !== "marketId" || topic.marketId !== undefined;
    this.#heads = new StreamHeads(this.isLatest);
  }

  /** The `maxRate` to request: enough for every receiver. Undefined for no limit. */
  get maxRate(): number | undefined {
    if (!this.isLatest || this.receivers.size === 0) return undefined;
    let highest = 1;
    for (const { maxRate = Number.POSITIVE_INFINITY } of this.receivers)
      highest = Math.max(highest, Math.ceil(maxRate));
    return highest <= MAXIMUM_RATE ? highest : undefined;
  }

  /** The streams in which a receiver waits for something that the service named. */
  get behind(): Set<StreamKey> {
    return this.#collect(({ behind }) => behind);
  }

  /** True if silence means anything: there is a stream from which something could arrive. */
  get canBeHeard(): boolean {
    return this.hasOneStream || this.#heads.ids.size > 0;
  }

  /** Adds a receiver. Returns whether that takes a request: it is the first, starts elsewhere, or needs a higher rate. */
  add(receiver: Receiver, hasOwnStart: boolean): boolean {
    const { maxRate } = this;
    const isFirst = this.receivers.size === 0;
    this.receivers.add(receiver);
    receiver.refresh();
    if (!this.#isAnswered) return isFirst || hasOwnStart;
    if (hasOwnStart && !this.isLatest) return true;
    if (this.isLatest) receiver.positions.start();
    else receiver.positions.startAt(this.#heads.ids);
    for (const [key, message] of this.#heads.values) receiver.take(key, message);
    receiver.refresh();
    return !isFirst && this.maxRate !== maxRate;
  }

  /**
   * Gives a message to every receiver.
   *
   * @param showsReset whether a message that is neither newer nor known shows that the stream was reset
   */
  take(message: DataMessage, showsReset: boolean): Finding {
    this.health.markHeard();
    const key = message.marketId;
    let isOld = false;
    let isNew = false;
    let hasHole = false;
    for (const receiver of this.receivers) {
      const step = receiver.take(key, message);
      if (step === "old") isOld = true;
      else if (step === "apply") isNew = true;
      else if (step === "hole") hasHole = true;
    }
    if (hasHole) return "hole";
    if (isOld && !isNew && showsReset) {
      const position = { key, id: message.id };
      if (!this.#heads.knows(position)) return this.#suspend(position);
    }
    if (isNew || this.receivers.size === 0) this.#heads.advance(key, message);
    return "fine";
  }

  /** Applies a heartbeat, whose ids every receiver should have. Returns the streams that it shows were reset. */
  takeHeartbeat({ marketId, id, ids }: HeartbeatMessage, showsReset: boolean): Set<StreamKey> {
    this.health.markHeard();
    const reset = new Set<StreamKey>();
    const named: readonly (readonly [StreamKey, string | undefined])[] = ids ? Object.entries(ids) : [[marketId, id]];
    for (const [key, each] of named) {
      if (each === undefined) continue;
      const position = { key, id: each };
      if (this.#expect(position) || !showsReset) continue;
      if (this.#heads.knows(position) && !this.#isLowAgain(position)) continue;
      if (this.#suspend(position) === "reset") reset.add(key);
    }
    return reset;
  }

  /** Returns the ids to name in a request: of all streams, or of the given ones. */
  idsToRequest(only?: ReadonlySet<StreamKey>): RequestedIds {
    if (this.isLatest && !this.#isAnswered) return undefined;
    const positions = [...this.receivers].map((receiver) => receiver.positions);
    if (!this.hasOneStream && positions.some(({ wantsAll }) => wantsAll)) return FIRST_ID;
    const ids = oldestIds(positions);
    if (only) return new Map([...only].map((key) => [key, ids.get(key) ?? FIRST_ID]));
    return ids.size > 0 ? ids : undefined;
  }

  /**
   * Applies one part of a reply. Returns the streams whose id is older than a receiver's position although that may not
   * show a reset.
   */
  applyReply(message: SubscribedMessage, { requested, mayLower, onReplay }: ReplyOptions): Set<StreamKey> {
    const doubtful = new Set<StreamKey>();
    for (const reply of replyStreams(message, this.topic.marketId, requested)) {
      const { key, id, requestedId, isLost } = reply;
      if (isLost && !mayLower && this.#isBelow(reply)) doubtful.add(key);
      if (isLost || compareIds(id, requestedId ?? FIRST_ID) > 0) onReplay(reply);
      this.#applyStreamReply({ ...reply, mayLower });
    }
    return doubtful;
  }

  /**
   * Completes a reply: `connection` has the subscription confirmed from now on. Returns the streams to request once more,
   * because the request did not name them and they moved.
   *
   * @param isFirst whether it is the connection's first reply, which resumes only what the request named
   */
  finishReply(
    connection: object,
    { requested, isFirst }: { readonly requested: RequestedIds; readonly isFirst: boolean },
  ): Set<StreamKey> {
    const again = new Set<StreamKey>();
    const isNamed = (key: StreamKey): boolean => typeof requested === "object" && requested.has(key);
    for (const key of this.#collect(({ missing }) => missing)) {
      // The service was asked about this stream and its reply does not name it: the stream no longer exists.
      if (isNamed(key)) this.#applyStreamReply({ key, id: FIRST_ID, requestedId: FIRST_ID, isLost: true });
      else again.add(key);
    }
    if (isFirst && !this.isLatest && typeof requested === "object") {
      for (const key of this.behind) if (!isNamed(key)) again.add(key);
    }
    for (const { positions } of this.receivers) positions.start();
    this.#isAnswered = true;
    this.health.confirm(connection);
    return again;
  }

  /** Marks what the receivers still wait for as overdue. */
  markOverdue(): void {
    for (const { positions } of this.receivers) positions.markOverdue();
    this.#refresh();
  }

  /** Forgets everything, because the user changed. */
  reset(): void {
    this.#isAnswered = false;
    this.#heads.clear();
    for (const { positions } of this.receivers) positions.reset();
    this.health.clear();
  }

  #refresh(): void {
    for (const receiver of [...this.receivers]) receiver.refresh();
  }

  #applyStreamReply(reply: StreamReply): void {
    const { key, isLost, mayLower = true } = reply;
    let isReset = isLost && mayLower;
    for (const receiver of this.receivers) {
      isReset ||= mayLower && receiver.positions.isSuspended(key);
      receiver.applyReply(reply);
    }
    this.#heads.applyReply(reply, isReset);
  }

  /** Returns whether a receiver is behind a position that the service named. */
  #expect(named: StreamPosition): boolean {
    let isBehind = false;
    for (const { positions } of this.receivers) if (positions.expect(named)) isBehind = true;
    return isBehind;
  }

  /** Returns whether the previous heartbeat named the same older id: a single one may have been overtaken. */
  #isLowAgain(named: StreamPosition): boolean {
    const { key, id } = named;
    const isBelow = this.#isBelow(named);
    const isAgain = isBelow && this.#lowIds.get(key) === id;
    if (isBelow) this.#lowIds.set(key, id);
    else this.#lowIds.delete(key);
    return isAgain;
  }

  #isBelow(named: StreamPosition): boolean {
    for (const { positions } of this.receivers) if (positions.compare(named) < 0) return true;
    return false;
  }

  /** Suspends a stream of which the service is behind the receivers. */
  #suspend(named: StreamPosition): Finding {
    let finding: Finding = "fine";
    for (const receiver of this.receivers) {
      if (receiver.positions.compare(named) >= 0) continue;
      receiver.positions.suspend(named.key);
      receiver.refresh();
      finding = "reset";
    }
    return finding;
  }

  #collect(keysOf: (positions: StreamPositions) => Iterable<StreamKey>): Set<StreamKey> {
    const keys = new Set<StreamKey>();
    for (const { positions } of this.receivers) for (const key of keysOf(positions)) keys.add(key);
    return keys;
  }
}
