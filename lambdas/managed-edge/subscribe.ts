import { randomUUID } from "node:crypto";
import { describeSubscribed } from "../../contract/answers.ts";
import { channelDefinition } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import type { SubscribeRequest } from "../../contract/frames.ts";
import { MAXIMUM_SUBSCRIPTIONS, type RequestId } from "../../contract/managed-edge.ts";
import { isPrivate, streamsOf } from "../../contract/server/access.ts";
import { wholeChannelRoom } from "../../contract/server/redis-keys.ts";
import type { StreamReader } from "../../contract/server/stream-reader.ts";
import { FIRST_ID, roomName, type Stream } from "../../contract/stream.ts";
import type { ConnectionState, Connections } from "./connections.ts";
import type { EdgeStreams } from "./edge-streams.ts";
import type { Listener, Listeners } from "./listeners.ts";
import type { Outbox } from "./outbox.ts";
import { type Resume, readFollowing, readResume, readSnapshot } from "./resume.ts";

/** Rounds of catching up with a stream that does not rest. The fan-out waits after some, so that few ever need as many. */
const MAXIMUM_ROUNDS = 20;

/** A message that is older, in ms, when a connection goes live has left the queue. */
const QUEUE_LAG_MS = 10_000;

export interface SubscribeContext {
  readonly connections: Connections;
  readonly listeners: Listeners;
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
}

interface SubscribeOptions {
  readonly connection: ConnectionState;
  readonly request: SubscribeRequest;
  readonly id: RequestId | undefined;
  readonly outbox: Outbox;
}

interface StreamProgress {
  readonly stream: Stream;
  /** Up to which id the client has it. */
  readonly id: string;
  /** Whether there was something newer already, which the fan-out is to deliver. */
  readonly isCut: boolean;
}

/** One `subscribe` of one connection: from what the client has to live, in the order of the stream, nothing twice. */
export class Subscribe {
  readonly #context: SubscribeContext;
  readonly #options: SubscribeOptions;
  /** What the request names: streams, or one whole channel. */
  readonly #rooms: readonly Stream[];
  readonly #attempt = randomUUID();
  /** By room. */
  readonly #positions = new Map<string, StreamProgress>();
  /** From when on the fan-out delivers, by Redis's clock. */
  #before = 0;

  /** @throws ChannelError `unauthorized` or `limit_exceeded`. */
  constructor(context: SubscribeContext, options: SubscribeOptions) {
    this.#context = context;
    this.#options = options;
    const { connection, request } = options;
    this.#rooms = streamsOf(request, connection.identity);
    const fresh = this.#rooms.filter((stream) => !this.#isHeld(stream));
    if (connection.subscriptions.size + fresh.length > MAXIMUM_SUBSCRIPTIONS) {
      throw new ChannelError("limit_exceeded", `a connection may have ${MAXIMUM_SUBSCRIPTIONS} subscriptions`);
    }
  }

  /**
   * Answers, delivers snapshot or history, and lets the connection go live.
   *
   * @throws ChannelError `unavailable` where Redis or the table does not answer; the fresh subscriptions are undone.
   */
  async run(): Promise<void> {
    const { connections, listeners, streams } = this.#context;
    const { connection, outbox } = this.#options;
    const pausing = this.#rooms.filter((stream) => this.#mustPause(stream));
    const waiting = pausing.map((stream) => ({ connection, stream, attempt: this.#attempt, skips: 0 }));
    const validUntil = this.#isPrivate ? connection.identity?.expiresAt : undefined;
    try {
      await streams.mark(this.#rooms.map(roomName));
      await connections.note(connection, pausing);
      await listeners.add(pausing, { connection, attempt: this.#attempt, validUntil });
      const isComplete = await this.#start();
      await outbox.flush();
      await this.#goLive(isComplete ? waiting : await this.#follow(waiting));
    } catch (cause) {
      await this.#undo(waiting);
      throw new ChannelError("unavailable", "the channel cannot be reached just now; try again", { cause });
    }
  }

  get #isPrivate(): boolean {
    return isPrivate(this.#options.request.channel);
  }

  /** Whether the request is for all streams of a keyed channel. */
  get #isWhole(): boolean {
    const { channel, keys } = this.#options.request;
    return keys === undefined && wholeChannelRoom(channel) !== undefined;
  }

  #isHeld(stream: Stream): boolean {
    return this.#options.connection.subscriptions.has(roomName(stream));
  }

  /**
   * Whether live messages wait until the answer is out. Where the client has a room already, only if some of it is
   * delivered again: an `ordered` stream just goes on.
   */
  #mustPause(stream: Stream): boolean {
    if (!this.#isHeld(stream) || this.#options.request.lastId !== undefined) return true;
    return channelDefinition(stream.channel).delivery === "latest";
  }

  /** The streams of the request; of a whole channel, those that there are now. */
  async #streams(): Promise<readonly Stream[]> {
    const { channel } = this.#options.request;
    if (!this.#isWhole) return this.#rooms;
    const since = Date.now() - channelDefinition(channel).history.seconds * 1_000;
    return (await this.#context.reader.activeKeys(channel, since)).map((key) => ({ channel, key }));
  }

  #lastIdOf({ key = "" }: Stream): string | undefined {
    const { lastId } = this.#options.request;
    return lastId === undefined || typeof lastId === "string" ? lastId : lastId.get(key);
  }

  #read(stream: Stream): Promise<Resume> {
    const { reader } = this.#context;
    const id = this.#lastIdOf(stream);
    if (id === undefined) return readSnapshot(reader, stream, this.#before);
    return readResume(reader, stream, { id, before: this.#before });
  }

  /** The first round: the answer, and what goes with it. False where a value was too young to be part of it. */
  async #start(): Promise<boolean> {
    const { request, id, outbox } = this.#options;
    const [first] = this.#rooms;
    if (!first) return true;
    this.#before = await this.#context.streams.now(first);
    const streams = await this.#streams();
    const resumes = await Promise.all(streams.map(async (stream) => ({ stream, ...(await this.#read(stream)) })));
    for (const { stream, lastId, isCut } of resumes) {
      this.#positions.set(roomName(stream), { stream, id: lastId, isCut });
    }
    outbox.add({ event: "subscribed", data: describeSubscribed(request, resumes), id });
    for (const { entries } of resumes) outbox.add(...entries.map((data) => ({ event: "data", data }) as const));
    return resumes.every(({ isCut }) => !isCut);
  }

  async #goLive(waiting: readonly Listener[]): Promise<void> {
    let pending = waiting;
    for (let round = 1; pending.length > 0; round += 1) {
      const passedBy = await this.#tryLive(pending);
      if (passedBy.length === 0) return;
      if (round === MAXIMUM_ROUNDS) throw new Error(`not level with the stream after ${MAXIMUM_ROUNDS} rounds`);
      pending = await this.#follow(passedBy);
    }
  }

  /** Those that a fan-out has passed by since they were read. */
  async #tryLive(pending: readonly Listener[]): Promise<Listener[]> {
    await Promise.all(pending.map((listener) => this.#noteStart(listener)));
    const live = await Promise.all(pending.map((listener) => this.#context.listeners.goLive(listener, this.#before)));
    return pending.filter((_, index) => !live[index]);
  }

  async #noteStart(listener: Listener): Promise<void> {
    if (channelDefinition(listener.stream.channel).delivery !== "latest") return;
    const room = roomName(listener.stream);
    const streams = [...this.#positions.values()].filter(
      ({ stream, id, isCut }) =>
        (this.#isWhole || roomName(stream) === room) &&
        (isCut || Number.parseInt(id, 10) > this.#before - QUEUE_LAG_MS),
    );
    if (streams.length === 0) return;
    const ids = streams.map(({ stream, id }) => [stream.key ?? "", id] as const);
    await this.#context.listeners.noteStart(listener, Object.fromEntries(ids));
  }

  /** Delivers what came meanwhile. Resolves with the listeners as they were before that was read. */
  async #follow(listening: readonly Listener[]): Promise<readonly Listener[]> {
    const { listeners, streams } = this.#context;
    const { connection, outbox } = this.#options;
    const found = await Promise.all(listening.map(({ stream }) => listeners.find(connection.id, stream)));
    const pending = found.filter((listener) => listener?.attempt === this.#attempt);
    const [first] = pending;
    if (!first) return [];
    this.#before = await streams.now(first.stream);
    for (const stream of await this.#streams()) await this.#deliverFollowing(stream);
    await outbox.flush();
    return pending.filter((listener) => listener !== undefined);
  }

  async #deliverFollowing(stream: Stream): Promise<void> {
    const name = roomName(stream);
    const position = { id: this.#positions.get(name)?.id ?? FIRST_ID, before: this.#before };
    const { entries, isCut } = await readFollowing(this.#context.reader, stream, position);
    this.#positions.set(name, { stream, id: entries.at(-1)?.id ?? position.id, isCut });
    this.#options.outbox.add(...entries.map((data) => ({ event: "data", data }) as const));
  }

  /** As before the request, as far as the table lets us: what it does not take, the rows' expiry does. */
  async #undo(waiting: readonly Listener[]): Promise<void> {
    const { connections, listeners } = this.#context;
    const fresh = waiting.filter(({ stream }) => !this.#isHeld(stream));
    const held = waiting.filter(({ stream }) => this.#isHeld(stream));
    await Promise.allSettled([
      connections.leave(
        this.#options.connection,
        fresh.map(({ stream }) => stream),
      ),
      ...held.map((listener) => listeners.forceLive(listener, 0)),
    ]);
  }
}
