import type { Channel } from "../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import { MAXIMUM_RATE } from "../../contract/limits.ts";
import type { DataMessage, HeartbeatMessage, SubscribedMessage } from "../../contract/messages.ts";
import { channelTraits } from "./channel-traits.ts";
import { Conditions } from "./condition.ts";
import type { Receiver } from "./receiver.ts";
import { StreamHeads } from "./stream-heads.ts";
import type { StreamKey, Topic } from "./topic.ts";
import type { Settlement, Track } from "./track.ts";

/** The ids that a request names: one for every stream, by stream, or none. */
export type AskedIds = typeof FIRST_ID | ReadonlyMap<StreamKey, string> | undefined;

/** What a message or a heartbeat shows: nothing to do, that something is missing, or that the stream was reset. */
export type Finding = "fine" | "hole" | "reset";

/** How to take a part of an answer. */
export interface AnswerContext {
  readonly asked: AskedIds;
  /** Whether an id below a receiver's position shows a reset. */
  readonly mayLower: boolean;
  /** Called with each stream of which the service delivers again what receivers may have, up to that id. */
  readonly onReplay: (key: StreamKey, id: string) => void;
}

/** Finds where the furthest behind of several receivers is, by stream. */
function oldestPositions(tracks: readonly Track[]): Map<StreamKey, string> {
  const ids = new Map<StreamKey, string>();
  for (const { positions } of tracks) {
    for (const [key, id] of positions) {
      const other = ids.get(key);
      if (other === undefined || compareIds(id, other) < 0) ids.set(key, id);
    }
  }
  return ids;
}

/** Tells of each stream whether the answer says that something of it is lost. */
function lossesOf({ recovered, unrecovered }: SubscribedMessage): (key: StreamKey) => boolean {
  if (recovered !== false) return () => false;
  if (!unrecovered) return () => true;
  const lost = new Set<StreamKey>(unrecovered);
  return (key) => key === undefined || lost.has(key);
}

/** One subscription on the wire, however many components of the application share it. */
export class SharedSubscription {
  readonly topic: Topic;
  readonly channel: Channel;
  readonly isPrivate: boolean;
  readonly isLatest: boolean;
  /** Whether the request is for one stream, so that `lastId` is an id and not a map. */
  readonly hasOneStream: boolean;
  readonly receivers = new Set<Receiver>();
  /** How it is doing on the wire. */
  readonly conditions = new Conditions(() => this.#refresh());
  readonly #heads: StreamHeads;
  /** Of streams whose last heartbeat named an id that is known and older than a receiver's position: that id. */
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

  /** The `maxRate` to ask for: what is enough for every receiver, undefined where that is all. */
  get maxRate(): number | undefined {
    if (!this.isLatest || this.receivers.size === 0) return undefined;
    let highest = 1;
    for (const { maxRate = Number.POSITIVE_INFINITY } of this.receivers)
      highest = Math.max(highest, Math.ceil(maxRate));
    return highest <= MAXIMUM_RATE ? highest : undefined;
  }

  /** The streams of which a receiver waits for something that the service said it has. */
  get behind(): Set<StreamKey> {
    return this.#collect(({ behind }) => behind);
  }

  /** Whether its silence means anything: there is a stream that could be heard of. */
  get canBeHeard(): boolean {
    return this.hasOneStream || this.#heads.ids.size > 0;
  }

  /** Takes a receiver in. Returns whether that takes a request: it is the first, begins elsewhere, or wants more. */
  add(receiver: Receiver, hasOwnStart: boolean): boolean {
    const { maxRate } = this;
    const isFirst = this.receivers.size === 0;
    this.receivers.add(receiver);
    receiver.refresh();
    if (!this.#isAnswered) return isFirst || hasOwnStart;
    if (hasOwnStart && !this.isLatest) return true;
    if (this.isLatest) receiver.track.start();
    else receiver.track.startAt(this.#heads.ids);
    for (const [key, message] of this.#heads.values) receiver.take(key, message);
    receiver.refresh();
    return !isFirst && this.maxRate !== maxRate;
  }

  /**
   * Gives a message to every receiver.
   *
   * @param isJudged whether one that is not newer and is not known shows that the stream was reset
   */
  take(message: DataMessage, isJudged: boolean): Finding {
    this.conditions.hear();
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
    if (isOld && !isNew && isJudged && !this.#heads.knows(key, message.id)) return this.#suspend(key, message.id);
    if (isNew || this.receivers.size === 0) this.#heads.advance(key, message);
    return "fine";
  }

  /** Takes a heartbeat: its ids are what the receivers should have. Returns the streams that it shows were reset. */
  takeHeartbeat({ marketId, id, ids }: HeartbeatMessage, isJudged: boolean): Set<StreamKey> {
    this.conditions.hear();
    const reset = new Set<StreamKey>();
    const named: readonly (readonly [StreamKey, string | undefined])[] = ids ? Object.entries(ids) : [[marketId, id]];
    for (const [key, each] of named) {
      if (each === undefined || this.#expect(key, each) || !isJudged) continue;
      if (this.#heads.knows(key, each) && !this.#isLowAgain(key, each)) continue;
      if (this.#suspend(key, each) === "reset") reset.add(key);
    }
    return reset;
  }

  /** The ids to name in a request: of all streams, or of those given. */
  idsToAsk(only?: ReadonlySet<StreamKey>): AskedIds {
    if (this.isLatest && !this.#isAnswered) return undefined;
    const tracks = [...this.receivers].map(({ track }) => track);
    if (!this.hasOneStream && tracks.some(({ wantsAll }) => wantsAll)) return FIRST_ID;
    const ids = oldestPositions(tracks);
    if (only) return new Map([...only].map((key) => [key, ids.get(key) ?? FIRST_ID]));
    return ids.size > 0 ? ids : undefined;
  }

  /**
   * Takes one part of the answer to a request. Returns the streams whose id is older than a receiver's position although
   * that may not show a reset.
   */
  settle(answer: SubscribedMessage, { asked, mayLower, onReplay }: AnswerContext): Set<StreamKey> {
    const ids = answer.ids ? Object.entries(answer.ids) : [[this.topic.marketId, answer.id ?? FIRST_ID] as const];
    const isLostOf = lossesOf(answer);
    const doubtful = new Set<StreamKey>();
    for (const [key, id] of ids) {
      const isLost = isLostOf(key);
      const askedId = typeof asked === "object" ? asked.get(key) : asked;
      if (isLost && !mayLower && this.#isBelow(key, id)) doubtful.add(key);
      if (isLost || compareIds(id, askedId ?? FIRST_ID) > 0) onReplay(key, id);
      this.#settleStream(key, { id, asked: askedId, isLost, mayLower });
    }
    return doubtful;
  }

  /**
   * Ends an answer: `by` carries the subscription from now on. Returns the streams that have to be asked for once more:
   * the request did not name them, and they moved.
   *
   * @param isFirst whether it is the connection's first answer, which goes on from what the request named alone
   */
  finish(by: object, { asked, isFirst }: { readonly asked: AskedIds; readonly isFirst: boolean }): Set<StreamKey> {
    const again = new Set<StreamKey>();
    const names = (key: StreamKey): boolean => typeof asked === "object" && asked.has(key);
    for (const key of this.#collect(({ missing }) => missing)) {
      // A stream that the service was asked about and does not name is gone.
      if (names(key)) this.#settleStream(key, { id: FIRST_ID, asked: FIRST_ID, isLost: true });
      else again.add(key);
    }
    if (isFirst && !this.isLatest && typeof asked === "object") {
      for (const key of this.behind) if (!names(key)) again.add(key);
    }
    for (const { track } of this.receivers) track.start();
    this.#isAnswered = true;
    this.conditions.carry(by);
    return again;
  }

  /** Takes note that what receivers still wait for should have come by now. */
  markOverdue(): void {
    for (const { track } of this.receivers) track.markOverdue();
    this.#refresh();
  }

  /** The user has changed: nothing that was known holds for the new one. */
  reset(): void {
    this.#isAnswered = false;
    this.#heads.clear();
    for (const { track } of this.receivers) track.reset();
    this.conditions.clear();
  }

  /** Lets every receiver's status be what is true now. */
  #refresh(): void {
    for (const receiver of [...this.receivers]) receiver.refresh();
  }

  #settleStream(key: StreamKey, settlement: Settlement): void {
    const { id, isLost, mayLower = true } = settlement;
    let isReset = isLost && mayLower;
    for (const receiver of this.receivers) {
      isReset ||= mayLower && receiver.track.isSuspended(key);
      receiver.settle(key, settlement);
    }
    this.#heads.settle(key, id, isReset);
  }

  /** Returns whether a receiver does not have an id yet. */
  #expect(key: StreamKey, id: string): boolean {
    let isAhead = false;
    for (const { track } of this.receivers) if (track.expect(key, id)) isAhead = true;
    return isAhead;
  }

  /** Whether the heartbeat before named the same older id: one alone may have been overtaken on its way. */
  #isLowAgain(key: StreamKey, id: string): boolean {
    const isBelow = this.#isBelow(key, id);
    const isAgain = isBelow && this.#lowIds.get(key) === id;
    if (isBelow) this.#lowIds.set(key, id);
    else this.#lowIds.delete(key);
    return isAgain;
  }

  #isBelow(key: StreamKey, id: string): boolean {
    for (const { track } of this.receivers) if (track.compare(key, id) < 0) return true;
    return false;
  }

  /** Stops a stream whose service has gone back behind what the receivers have. */
  #suspend(key: StreamKey, id: string): Finding {
    let finding: Finding = "fine";
    for (const receiver of this.receivers) {
      if (receiver.track.compare(key, id) >= 0) continue;
      receiver.track.suspend(key);
      receiver.refresh();
      finding = "reset";
    }
    return finding;
  }

  #collect(keysOf: (track: Track) => Iterable<StreamKey>): Set<StreamKey> {
    const keys = new Set<StreamKey>();
    for (const { track } of this.receivers) for (const key of keysOf(track)) keys.add(key);
    return keys;
  }
}
