import type { Channel } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { DataEvent, DataMessage, HeartbeatMessage, SubscribedMessage } from "../../../contract/messages.ts";
import { stateFormat } from "../../../contract/state/state-formats.ts";
import { oldestIds } from "../positions/oldest-ids.ts";
import { replyStreams } from "../positions/reply-streams.ts";
import { StreamHeads } from "../positions/stream-heads.ts";
import type { RequestedIds, StreamPosition, StreamReply } from "../positions/stream-position.ts";
import type { Step } from "../positions/stream-positions.ts";
import { StateStreams } from "../states/state-streams.ts";
import { channelTraits, isConflated } from "../topics/channel-traits.ts";
import type { StreamKey, Topic } from "../topics/topic.ts";
import type { Receiver } from "./receiver.ts";
import { Receivers } from "./receivers.ts";
import type { ReplyOptions } from "./reply-options.ts";
import { SubscriptionHealth } from "./subscription-health.ts";

/**
 * The conclusion from a message or a heartbeat: nothing to do, also because its sum proves its value (`verified`), messages
 * are missing, the stream was reset, or the message of a state channel is wrong.
 */
export type Finding = "fine" | "verified" | "hole" | "reset" | "wrong";

/** One subscription at the service, shared by any number of receivers in the application. */
export class SharedSubscription {
  readonly topic: Topic;
  readonly channel: Channel;
  readonly isPrivate: boolean;
  /** True if only the newest value of a stream counts. */
  readonly isLatest: boolean;
  /** True if the request is for one stream, so that `lastId` is an id and not a map. */
  readonly hasOneStream: boolean;
  readonly receivers: Receivers;
  readonly health = new SubscriptionHealth(() => this.receivers.refresh());
  readonly #heads: StreamHeads;
  /** Undefined on a channel whose messages have no state. */
  readonly #states: StateStreams | undefined;
  /** Streams of a whole channel that the service cannot serve. */
  #unavailable: readonly string[] = [];
  #isAnswered = false;

  /** @param isWholeWanted whether the application has a subscription to the whole channel as well */
  constructor(topic: Topic, isWholeWanted: () => boolean = () => false) {
    const { access, key } = channelTraits(topic.channel);
    this.topic = topic;
    this.channel = topic.channel;
    this.isPrivate = access === "private";
    this.isLatest = isConflated(topic.channel);
    this.receivers = new Receivers(isWholeWanted);
    this.hasOneStream = key !== "marketId" || topic.marketId !== undefined;
    const format = stateFormat(topic.channel);
    this.#states = format && new StateStreams(format);
    this.#heads = new StreamHeads(this.isLatest);
  }

  /** The streams in which a receiver waits for something that the service named. */
  get behind(): Set<StreamKey> {
    return this.receivers.collect(({ behind }) => behind);
  }

  /** True if silence means anything: there is a stream from which something could arrive. */
  get canBeHeard(): boolean {
    return this.hasOneStream || this.#heads.ids.size > 0;
  }

  /**
   * Adds a receiver. Returns whether that takes a request: it is the first, starts elsewhere, or needs another rate or
   * depth.
   */
  add(receiver: Receiver, hasOwnStart: boolean): boolean {
    const isFirst = this.receivers.size === 0;
    this.receivers.add(receiver);
    receiver.refresh();
    if (!this.#isAnswered) return isFirst || hasOwnStart || this.receivers.areOutdated;
    if (hasOwnStart && !this.isLatest) return true;
    if (this.isLatest) receiver.positions.start();
    else receiver.positions.startAt(this.#heads.ids);
    for (const [key, message] of this.#heads.values) {
      if (this.#states?.isDistrusted(key) || !receiver.covers(message)) receiver.positions.miss(key);
      receiver.take(key, message);
    }
    receiver.refresh();
    return this.receivers.areOutdated;
  }

  /**
   * Gives a message to every receiver.
   *
   * @param showsReset whether a message that is neither newer nor known shows that the stream was reset
   */
  take(event: DataEvent, showsReset: boolean): Finding {
    this.health.markHeard();
    if (this.#states) return this.#takeState(event, this.#states, showsReset);
    return "data" in event ? this.#deliver(event, showsReset) : "fine";
  }

  /**
   * Waits for a whole value of a stream, because a message of it is malformed. Returns false where that cannot be: the
   * channel has no state, or the message does not name its stream.
   */
  distrust(key: StreamKey): boolean {
    if (!this.#states || (key === undefined && !this.hasOneStream)) return false;
    this.#states.distrust(key);
    this.receivers.miss(key);
    return true;
  }

  /** Applies a heartbeat, whose ids every receiver should have. Returns the streams that were reset, or are served again. */
  takeHeartbeat({ marketId, id, ids, unavailable = [] }: HeartbeatMessage, showsReset: boolean): Set<StreamKey> {
    this.health.markHeard();
    const reset = new Set<StreamKey>(ids ? this.#setUnavailable(unavailable) : []);
    const named: readonly (readonly [StreamKey, string | undefined])[] = ids ? Object.entries(ids) : [[marketId, id]];
    for (const [key, each] of named) {
      if (each === undefined) continue;
      const position = { key, id: each };
      if (this.receivers.expect(position) || !showsReset) continue;
      if (this.#heads.knows(position) && !this.#heads.isLowAgain(position, this.receivers.areAheadOf(position)))
        continue;
      if (this.#suspend(position) === "reset") reset.add(key);
    }
    return reset;
  }

  /** Returns the ids to name in a request that is about to be sent: of all streams, or of the given ones. */
  startRequest(only?: ReadonlySet<StreamKey>): RequestedIds {
    this.receivers.markRequested();
    if (this.isLatest && !this.#isAnswered) return undefined;
    const { positions, depth } = this.receivers;
    if (!this.hasOneStream && positions.some(({ wantsAll }) => wantsAll)) return FIRST_ID;
    const ids = this.#states ? this.#states.ids(this.#heads.values, depth) : oldestIds(positions);
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
      if (isLost && !mayLower && this.receivers.areAheadOf(reply)) doubtful.add(key);
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
    for (const key of this.receivers.collect(({ missing }) => missing)) {
      // The service was asked about this stream and its reply does not name it: the stream no longer exists.
      if (isNamed(key)) this.#applyStreamReply({ key, id: FIRST_ID, requestedId: FIRST_ID, isLost: true });
      else again.add(key);
    }
    if (isFirst && !this.isLatest && typeof requested === "object") {
      for (const key of this.behind) if (!isNamed(key)) again.add(key);
    }
    for (const positions of this.receivers.positions) positions.start();
    this.#isAnswered = true;
    this.health.confirm(connection);
    return again;
  }

  /** Marks what the receivers still wait for as overdue. */
  markOverdue(): void {
    for (const positions of this.receivers.positions) positions.markOverdue();
    this.receivers.refresh();
  }

  /** Forgets everything, because the user changed. */
  reset(): void {
    this.#isAnswered = false;
    this.#heads.clear();
    this.#states?.clear();
    for (const receiver of this.receivers) receiver.reset();
    this.health.clear();
  }

  /** Puts the value together that a message of a state channel leads to, and gives it to every receiver. */
  #takeState(event: DataEvent, states: StateStreams, showsReset: boolean): Finding {
    const key = event.marketId;
    // A message that does not name its stream is of none of them.
    if ((key === undefined && !this.hasOneStream) || this.receivers.areSuspended(key)) return "fine";
    const held = this.#heads.values.get(key);
    const proven = states.prove(event, held, this.receivers.depth);
    if (typeof proven === "object") {
      const finding = this.#deliver(proven, showsReset, held !== undefined && held.depth !== proven.depth);
      if (finding !== "fine") return finding;
      this.#heads.replace(key, proven);
      return event.sum === undefined ? "fine" : "verified";
    }
    if (proven === "old") return this.#onOld({ key, id: event.id }, showsReset);
    if (proven === "other-view") return "fine";
    // A value of another view is true until the service has answered the request for this one.
    if (!held || states.isDistrusted(key)) this.receivers.miss(key);
    return proven === "wrong" ? "wrong" : "hole";
  }

  /** Gives a message to every receiver, whatever its id is if it belongs to another view than the message before it. */
  #deliver(message: DataMessage, showsReset: boolean, isOtherView = false): Finding {
    const key = message.marketId;
    const steps = new Set<Step>();
    for (const receiver of this.receivers) steps.add(receiver.take(key, message, isOtherView));
    if (steps.has("hole")) return "hole";
    const isNew = steps.has("apply");
    const finding = steps.has("old") && !isNew ? this.#onOld({ key, id: message.id }, showsReset) : "fine";
    if (!this.#states && (isNew || this.receivers.size === 0)) this.#heads.advance(key, message);
    return finding;
  }

  /** Suspends the stream of a message that is not newer than what the receivers have and that is not known. */
  #onOld(position: StreamPosition, showsReset: boolean): Finding {
    return showsReset && !this.#heads.knows(position) ? this.#suspend(position) : "fine";
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

  /** Records which streams the service cannot serve. Returns those that it serves again and of which nothing has come. */
  #setUnavailable(keys: readonly string[]): string[] {
    const before = this.#unavailable;
    this.#unavailable = keys;
    this.health.markPartial(keys.length > 0);
    return before.filter((key) => !keys.includes(key) && !this.#heads.values.has(key));
  }

  /** Suspends a stream of which the service is behind the receivers. */
  #suspend(named: StreamPosition): Finding {
    if (!this.receivers.suspend(named)) return "fine";
    // The value that is held may belong to what was lost.
    this.#states?.distrust(named.key);
    return "reset";
  }
}
