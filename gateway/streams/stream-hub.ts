import type { Counter } from "prom-client";
import type { Channel } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import { asError } from "../../kernel/as-error.ts";
import { roomsOf } from "../../kernel/protocol/rooms.ts";
import type { StateView } from "../../kernel/protocol/state-recovery.ts";
import { belongsTo, type Entry, parseBody } from "../../kernel/streams/entry.ts";
import { entriesRoom, pubSubChannel } from "../../kernel/streams/redis-keys.ts";
import type { DropReason } from "../metrics.ts";
import type { RedisClock } from "../redis/redis-clock.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import { type CreateStreamOptions, createStream } from "./create-stream.ts";
import { StreamIndex } from "./stream-index.ts";
import type { StreamState } from "./stream-state.ts";
import { type StreamView, viewRoom } from "./stream-view.ts";
import { type RoomLease, TopicRoom } from "./topic-room.ts";

interface StreamHubOptions extends Omit<CreateStreamOptions, "roomsOf"> {
  readonly pubSub: ShardedPubSub;
  readonly clock: RedisClock;
  /** Called with each entry that has come from Redis, before it is handed on. */
  readonly onReceived?: ((entry: Entry) => void) | undefined;
}

/** A topic that the hub keeps open for one holder. */
export interface TopicLease {
  readonly topic: Topic;
  /** The name of the topic's room. */
  readonly room: string;
  /** The name of the fan-out room of those who get the topic as this holder does. */
  readonly fanOutRoom: string;
  /**
   * Resolves once messages of the topic arrive on this node, and rejects if Redis does not answer. Undefined if they
   * arrive already.
   */
  readonly opening: Promise<void> | undefined;
  /** Returns the topic's streams that are known so far, as the holder gets them; on a whole channel more may come. */
  views(): StreamView[];
  /** The reason why the topic's one stream cannot be served now. */
  readonly failure: Error | undefined;
  /** Ends the lease. Call it once, whether or not the topic could be opened. */
  release(): void;
}

export interface LeaseOptions {
  /** What the holder gets of a `state` channel. @default whole values with all rows */
  readonly view?: StateView;
  /** Called where the topic's one stream cannot be served any more. */
  readonly onLost?: (error: Error) => void;
}

/**
 * The rooms and streams that this node has subscribers for. It subscribes to a room in Redis with the room's first
 * lease, passes what arrives to the states of its streams, and unsubscribes some seconds after the last lease.
 */
export class StreamHub {
  readonly #options: StreamHubOptions;
  readonly #createOptions: CreateStreamOptions;
  readonly #index: StreamIndex;
  readonly #rooms = new Map<string, TopicRoom>();
  readonly #states = new Map<string, StreamState>();
  /** Looked up once, not for each message. */
  readonly #receivedBytes: Counter.Internal;

  constructor(options: StreamHubOptions) {
    this.#options = options;
    this.#receivedBytes = options.metrics.receivedBytes.labels("redis");
    this.#createOptions = { ...options, roomsOf: (stream) => this.#openRoomsOf(stream) };
    this.#index = new StreamIndex(options.reader, options.clock);
  }

  /** The states that are open, for the slow check. */
  get states(): IterableIterator<StreamState> {
    return this.#states.values();
  }

  /** Returns the number of leases that are held now, by channel: one per subscription of a client. */
  countLeases(): ReadonlyMap<Channel, number> {
    const counts = new Map<Channel, number>();
    for (const { topic, leases } of this.#rooms.values()) {
      counts.set(topic.channel, (counts.get(topic.channel) ?? 0) + leases);
    }
    return counts;
  }

  /** Opens a topic on this node, or keeps it open, until the lease is released. */
  open(topic: Topic, { view = {}, onLost }: LeaseOptions = {}): TopicLease {
    const room = this.#rooms.get(roomName(topic)) ?? this.#createRoom(topic);
    const lease: RoomLease = { view, onLost };
    room.addLease(lease);
    const failureOf = (): Error | undefined => (room.isChannelRoom ? undefined : this.#states.get(room.name)?.failure);
    return {
      topic,
      room: room.name,
      fanOutRoom: viewRoom(topic, view),
      opening: room.opening,
      views: () => this.#statesOf(room).map((state) => state.view(view)),
      get failure() {
        return failureOf();
      },
      release: () => room.releaseLease(lease),
    };
  }

  /** Returns the state of a stream that is open here. */
  stateOf(stream: Stream): StreamState | undefined {
    return this.#states.get(roomName(stream));
  }

  /** Brings every stream level with Redis, after a connection that may have missed messages. */
  async repairAll(): Promise<void> {
    await Promise.all([...this.#states.values()].map((state) => state.repair().catch(this.#onReadError)));
  }

  /**
   * The slow check of one stream: resolves with true if it is level with Redis now. If it had to be repaired, the
   * subscription may be gone without a sign, so it is requested again.
   */
  async check(state: StreamState): Promise<boolean> {
    try {
      if (await state.check())
        for (const { topic } of this.#openRoomsOf(state.stream))
          this.#options.pubSub.renew(pubSubChannel(entriesRoom(topic)));
      return state.failure === undefined;
    } catch (error) {
      this.#onReadError(error);
      return false;
    }
  }

  /** Finds the streams of whole channels whose first entry never arrived, and drops those that have expired. */
  async checkIndexes(): Promise<void> {
    for (const { isChannelRoom, topic } of this.#rooms.values()) {
      if (isChannelRoom) await this.#checkIndex(topic.channel).catch(this.#onReadError);
    }
  }

  readonly #onReadError = (error: unknown): void => this.#options.onError(asError(error), "read");

  #createRoom(topic: Topic): TopicRoom {
    const room = new TopicRoom(topic, (unused) => this.#close(unused));
    this.#rooms.set(room.name, room);
    this.#options.metrics.rooms.set(this.#rooms.size);
    room.startOpening(this.#openRoom(room));
    return room;
  }

  async #openRoom(room: TopicRoom): Promise<void> {
    const { pubSub, clock } = this.#options;
    try {
      await clock.isKnown;
      await pubSub.subscribe(pubSubChannel(entriesRoom(room.topic)), (body) => this.#receive(room, body));
      const { channel, key } = room.topic;
      const keys = room.isChannelRoom ? await this.#index.heldKeys(channel) : [key];
      await Promise.all(keys.map((each) => this.#state({ channel, key: each }).load()));
    } catch (error) {
      this.#close(room);
      throw error;
    }
  }

  #close(room: TopicRoom): void {
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    this.#options.metrics.rooms.set(this.#rooms.size);
    this.#options.pubSub.unsubscribe(pubSubChannel(entriesRoom(room.topic)));
    for (const { stream } of this.#statesOf(room)) {
      if (this.#openRoomsOf(stream).length === 0) this.#forget(roomName(stream));
    }
  }

  #statesOf({ isChannelRoom, name, topic }: TopicRoom): StreamState[] {
    if (isChannelRoom) return [...this.#states.values()].filter(({ stream }) => stream.channel === topic.channel);
    const state = this.#states.get(name);
    return state ? [state] : [];
  }

  #openRoomsOf(stream: Stream): TopicRoom[] {
    return roomsOf(stream).flatMap((name) => this.#rooms.get(name) ?? []);
  }

  #forget(name: string): void {
    this.#states.get(name)?.close();
    this.#states.delete(name);
  }

  #state(stream: Stream): StreamState {
    const name = roomName(stream);
    const existing = this.#states.get(name);
    if (existing) return existing;
    const state = createStream(stream, this.#createOptions);
    this.#states.set(name, state);
    return state;
  }

  #receive(room: TopicRoom, body: Buffer): void {
    this.#receivedBytes.inc(body.length);
    const entry = parseBody(body, room.topic.channel);
    const refusal = this.#refusal(room, entry);
    if (refusal) this.#options.metrics.redisDropped.inc({ reason: refusal });
    if (!entry || refusal) return;
    this.#options.onReceived?.(entry);
    const stream: Stream = { channel: room.topic.channel, key: room.topic.key ?? entry.marketId };
    const state = this.stateOf(stream);
    if (state) state.receive(entry);
    // While the room opens, its streams are being loaded, and this entry with them; afterwards the stream is new.
    else if (!room.opening) this.#startEmpty(stream).receive(entry);
  }

  #startEmpty(stream: Stream): StreamState {
    const state = this.#state(stream);
    state.startEmpty();
    return state;
  }

  #refusal(room: TopicRoom, entry: Entry | undefined): DropReason | undefined {
    if (!entry) return "malformed";
    if (!belongsTo(entry, room.topic)) return "foreign_room";
    return this.#options.clock.isAhead(entry.id) ? "id_ahead" : undefined;
  }

  async #checkIndex(channel: Channel): Promise<void> {
    if (this.#options.clock.earliest === undefined) return;
    const active = await this.#index.newKeys(channel);
    const unseen = active.filter((key) => !this.#states.has(roomName({ channel, key })));
    await Promise.all(unseen.map((key) => this.#startEmpty({ channel, key }).repair()));
    const expiry = this.#index.expiry(channel);
    for (const state of this.#states.values()) {
      const name = roomName(state.stream);
      const isHeld = state.stream.channel !== channel || state.isReading || this.#rooms.has(name);
      // One that cannot be served has no id here; it is none that has expired.
      if (!isHeld && !state.failure && timeOf(state.lastId) < expiry) this.#forget(name);
    }
  }
}
