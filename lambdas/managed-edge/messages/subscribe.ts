import { randomUUID } from "node:crypto";
import { ChannelError } from "../../../contract/errors.ts";
import { MAXIMUM_SUBSCRIPTIONS } from "../../../contract/limits.ts";
import type { RequestId } from "../../../contract/managed-edge.ts";
import type { SubscribeRequest } from "../../../contract/messages.ts";
import { isStateChannel } from "../../../contract/state/state-formats.ts";
import { roomName, type Topic } from "../../../contract/stream.ts";
import { isPrivate } from "../../../kernel/auth/access.ts";
import { isLatest } from "../../../kernel/protocol/recovery.ts";
import { planSubscribe } from "../../../kernel/protocol/subscribe-plan.ts";
import { closeConnection } from "../posting/close-connection.ts";
import type { Outbox } from "../posting/outbox.ts";
import type { ConnectionState } from "../table/connections.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import { CatchUp, type CatchUpContext } from "./catch-up.ts";
import { enterChannel } from "./enter-channel.ts";
import { GoLive, type GoLiveContext } from "./go-live.ts";

export interface SubscribeContext extends GoLiveContext, CatchUpContext {}

interface SubscribeOptions {
  readonly connection: ConnectionState;
  readonly request: SubscribeRequest;
  readonly id: RequestId | undefined;
  readonly outbox: Outbox;
}

/** One `subscribe` of one connection: from the ids that the client has to live, in order and without duplicates. */
export class Subscribe {
  readonly #context: SubscribeContext;
  readonly #options: SubscribeOptions;
  /** The topics of the request: streams, or one whole channel. */
  readonly #topics: readonly Topic[];
  readonly #catchUp: CatchUp;
  readonly #attempt = randomUUID();

  /** @throws ChannelError `unauthorized` or `limit_exceeded`. */
  constructor(context: SubscribeContext, options: SubscribeOptions) {
    this.#context = context;
    this.#options = options;
    const { connection, request, id, outbox } = options;
    const plan = planSubscribe(request, { ...connection, maximumSubscriptions: MAXIMUM_SUBSCRIPTIONS });
    this.#topics = plan.topics;
    this.#catchUp = new CatchUp(context, { request, id, topics: plan.topics, outbox });
  }

  /**
   * Answers, delivers snapshot or history, and makes the connection live. Once the answer is sent it never rejects: where
   * the subscription cannot be completed the client is sent its end, or the connection is closed.
   *
   * @throws ChannelError `unavailable` where Redis or the table does not answer, or `limit_exceeded` where the answer is
   *   too large; the fresh subscriptions are undone.
   */
  async run(): Promise<void> {
    const { connection, outbox } = this.#options;
    const waiting = this.#topics.filter((topic) => this.#mustPause(topic)).map((topic) => this.#toSubscriber(topic));
    try {
      await this.#enter(waiting.map(({ topic }) => topic));
      await this.#catchUp.answer();
    } catch (cause) {
      return this.#refuse(waiting, cause);
    }
    await new GoLive(this.#context, { connection, catchUp: this.#catchUp, outbox }, waiting).run();
  }

  #toSubscriber(topic: Topic): RoomSubscriber {
    const { connection, request: view } = this.#options;
    const fresh = { isLive: false, start: {}, skippedFanOuts: 0, skippedKeys: [], since: Date.now() };
    return { connection, topic, attempt: this.#attempt, view, ...fresh };
  }

  #isHeld(topic: Topic): boolean {
    return this.#options.connection.subscriptions.has(roomName(topic));
  }

  /**
   * True where live messages wait until the answer is sent. In a room that the client is in already they wait only if
   * something is delivered again: an `ordered` stream goes on.
   */
  #mustPause(topic: Topic): boolean {
    const held = this.#options.connection.subscriptions.get(roomName(topic));
    const hasSnapshot = isLatest(topic) || isStateChannel(topic.channel);
    return !held?.isLive || this.#options.request.lastId !== undefined || hasSnapshot;
  }

  /** Makes the connection known to publishers first, then to fan-outs: from then on they skip it. */
  async #enter(topics: readonly Topic[]): Promise<void> {
    const { connections, subscribers } = this.#context;
    const { connection, request } = this.#options;
    const validUntil = isPrivate(request.channel) ? connection.identity?.expiresAt : undefined;
    await this.#mark();
    await connections.saveSubscriptions(
      connection,
      topics.map((topic) => ({ topic, isLive: false, view: request })),
    );
    await subscribers.add(topics, { connection, attempt: this.#attempt, validUntil, view: request });
  }

  async #mark(): Promise<void> {
    const { wholeChannel } = this.#catchUp;
    if (!wholeChannel) {
      await this.#context.streams.mark(this.#topics.map(roomName));
      return;
    }
    const findStreams = () => this.#catchUp.findStreams();
    await enterChannel(this.#context, { wholeChannel, token: this.#attempt, findStreams });
  }

  /**
   * Refuses the request and undoes it. Where the client may have got the answer, or the undoing failed, the connection is
   * closed instead: the client reconnects and asks again.
   */
  async #refuse(waiting: readonly RoomSubscriber[], cause: unknown): Promise<void> {
    const { connection, outbox } = this.#options;
    const isUndone = await this.#undo(waiting);
    if (!isUndone || (outbox.hasFailed && outbox.hasLeft)) {
      this.#context.onError(cause, "subscribe");
      outbox.clear();
      return closeConnection(this.#context, connection);
    }
    outbox.clear();
    if (cause instanceof ChannelError) throw cause;
    throw new ChannelError("unavailable", "channel temporarily unavailable; retry", { cause });
  }

  /**
   * Resolves with whether the rooms that the client was in before are as before. The next fan-out ends what the table did
   * not delete of the others.
   */
  async #undo(waiting: readonly RoomSubscriber[]): Promise<boolean> {
    const { connections, subscribers, onError } = this.#context;
    const { connection } = this.#options;
    const held = waiting.flatMap((subscriber) => {
      const before = connection.subscriptions.get(roomName(subscriber.topic));
      return before ? [{ ...subscriber, view: before.view }] : [];
    });
    const fresh = waiting.filter(({ topic }) => !this.#isHeld(topic)).map(({ topic }) => topic);
    const live = held.map(({ topic, view }) => ({ topic, view, isLive: true }));
    const results = await Promise.allSettled([
      // Live from the fan-out's cursor on: `prev` shows what was skipped meanwhile.
      ...held.map((subscriber) => subscribers.forceLive(subscriber, {})),
      connections.saveSubscriptions(connection, live),
      connections.leave(connection, fresh).catch((error: unknown) => onError(error, "undo")),
    ]);
    return results.every(({ status }) => status === "fulfilled");
  }
}
