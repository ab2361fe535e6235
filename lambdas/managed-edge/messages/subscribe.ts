import { randomUUID } from "node:crypto";
import { channelDefinition } from "../../../contract/channels.ts";
import { ChannelError } from "../../../contract/errors.ts";
import { MAXIMUM_SUBSCRIPTIONS, type RequestId } from "../../../contract/managed-edge.ts";
import type { SubscribeRequest } from "../../../contract/messages.ts";
import { roomName, type Topic } from "../../../contract/stream.ts";
import { authorizedTopics, isPrivate } from "../../../kernel/auth/access.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { closeConnection } from "../posting/close-connection.ts";
import type { Outbox } from "../posting/outbox.ts";
import type { ConnectionState } from "../table/connections.ts";
import type { Listener } from "../table/room-subscriber.ts";
import { CatchUp } from "./catch-up.ts";
import { enterWholeChannel } from "./enter.ts";
import { GoLive, type GoLiveContext } from "./go-live.ts";

export interface SubscribeContext extends GoLiveContext {
  readonly reader: StreamReader;
}

interface SubscribeOptions {
  readonly connection: ConnectionState;
  readonly request: SubscribeRequest;
  readonly id: RequestId | undefined;
  readonly outbox: Outbox;
}

/** One `subscribe` of one connection: from what the client has to live, in the order of the stream, nothing twice. */
export class Subscribe {
  readonly #context: SubscribeContext;
  readonly #options: SubscribeOptions;
  /** What the request names: streams, or one whole channel. */
  readonly #rooms: readonly Topic[];
  readonly #catchUp: CatchUp;
  readonly #attempt = randomUUID();

  /** @throws ChannelError `unauthorized` or `limit_exceeded`. */
  constructor(context: SubscribeContext, options: SubscribeOptions) {
    this.#context = context;
    this.#options = options;
    const { connection, request, id, outbox } = options;
    this.#rooms = authorizedTopics(request, connection.identity);
    this.#catchUp = new CatchUp(context, { request, id, rooms: this.#rooms, outbox });
    const fresh = this.#rooms.filter((stream) => !this.#isHeld(stream));
    if (connection.subscriptions.size + fresh.length > MAXIMUM_SUBSCRIPTIONS) {
      throw new ChannelError("limit_exceeded", `a connection may have ${MAXIMUM_SUBSCRIPTIONS} subscriptions`);
    }
  }

  /**
   * Answers, delivers snapshot or history, and lets the connection go live. Once the answer has left it never rejects:
   * where it cannot be made true the client is told that the subscription has ended, or the connection is closed.
   *
   * @throws ChannelError `unavailable` where Redis or the table does not answer, or `limit_exceeded` where the request
   *   would bring too much; the fresh subscriptions are undone.
   */
  async run(): Promise<void> {
    const { connection, outbox } = this.#options;
    const waiting = this.#rooms.filter((stream) => this.#mustPause(stream)).map((stream) => this.#toListener(stream));
    try {
      await this.#enter(waiting.map(({ stream }) => stream));
      await this.#catchUp.answer();
    } catch (cause) {
      return this.#refuse(waiting, cause);
    }
    await new GoLive(this.#context, { connection, catchUp: this.#catchUp, outbox }, waiting).run();
  }

  #toListener(stream: Topic): Listener {
    const { connection } = this.#options;
    const attempt = this.#attempt;
    return { connection, stream, attempt, isLive: false, start: {}, skips: 0, passedBy: [], since: Date.now() };
  }

  #isHeld(stream: Topic): boolean {
    return this.#options.connection.subscriptions.has(roomName(stream));
  }

  /**
   * Whether live messages wait until the answer is out. Where the client has a room already, only if some of it is
   * delivered again: an `ordered` stream just goes on.
   */
  #mustPause(stream: Topic): boolean {
    const held = this.#options.connection.subscriptions.get(roomName(stream));
    if (!held?.isLive || this.#options.request.lastId !== undefined) return true;
    return channelDefinition(stream.channel).delivery === "latest";
  }

  /** Makes the connection known to publishers first, then to fan-outs: from then on they pass it by. */
  async #enter(streams: readonly Topic[]): Promise<void> {
    const { connections, listeners } = this.#context;
    const { connection, request } = this.#options;
    const validUntil = isPrivate(request.channel) ? connection.identity?.expiresAt : undefined;
    await this.#mark();
    await connections.note(
      connection,
      streams.map((stream) => ({ stream, isLive: false })),
    );
    await listeners.add(streams, { connection, attempt: this.#attempt, validUntil });
  }

  async #mark(): Promise<void> {
    const [whole] = this.#rooms;
    if (!this.#catchUp.isWhole || !whole) {
      await this.#context.streams.mark(this.#rooms.map(roomName));
      return;
    }
    const find = () => this.#catchUp.streams();
    await enterWholeChannel(this.#context, { whole, token: this.#attempt, find });
  }

  /**
   * As before the request. Where the client may have the answer already, or may not be as before, the connection is
   * closed instead: it comes back and asks again.
   */
  async #refuse(waiting: readonly Listener[], cause: unknown): Promise<void> {
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
   * Says whether the rooms that the client had before are as before. Of the others, what the table does not let go is
   * ended by the next fan-out.
   */
  async #undo(waiting: readonly Listener[]): Promise<boolean> {
    const { connections, listeners, onError } = this.#context;
    const { connection } = this.#options;
    const held = waiting.filter(({ stream }) => this.#isHeld(stream));
    const fresh = waiting.filter(({ stream }) => !this.#isHeld(stream)).map(({ stream }) => stream);
    const live = held.map(({ stream }) => ({ stream, isLive: true }));
    const results = await Promise.allSettled([
      // From where the fan-out is: what passed by meanwhile shows by `prev`.
      ...held.map((listener) => listeners.forceLive(listener, {})),
      connections.note(connection, live),
      connections.leave(connection, fresh).catch((error: unknown) => onError(error, "undo")),
    ]);
    return results.every(({ status }) => status === "fulfilled");
  }
}
