import type { Channel } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import { asError } from "../../kernel/as-error.ts";
import { roomsOf } from "../../kernel/protocol/rooms.ts";
import { belongsTo, type Entry, parseEnvelope } from "../../kernel/streams/entry.ts";
import { pubSubChannel } from "../../kernel/streams/redis-keys.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import type { DropReason, Metrics } from "../metrics.ts";
import type { RedisClock } from "../redis/redis-clock.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import { StreamIndex } from "./stream-index.ts";
import { StreamState } from "./stream-state.ts";
import { TopicRoom } from "./topic-room.ts";

interface StreamHubOptions {
  readonly pubSub: ShardedPubSub;
  readonly clock: RedisClock;
  readonly reader: StreamReader;
  readonly metrics: Metrics;
  /** Called with every entry of the streams that are open here, once and in order. */
  readonly deliver: (stream: Stream, entry: Entry) => void;
  readonly onError: (error: Error, stage: string) => void;
}

/** A topic that the hub keeps open for one holder. */
export interface TopicLease {
  readonly topic: Topic;
  /** The name of the topic's room. */
  readonly room: string;
  /**
   * Resolves once messages of the topic arrive on this node, and rejects if Redis does not answer. Undefined if they
   * arrive already.
   */
  readonly opening: Promise<void> | undefined;
  /** Returns the states of the topic's streams that are known so far; on a whole channel there may be more later. */
  states(): StreamState[];
  /** Ends the lease. Call it once, whether or not the topic could be opened. */
  release(): void;
}

/**
 * The rooms and streams that this node has subscribers for. It subscribes to a room in Redis with the room's first
 * lease, passes what arrives to the states of its streams, and unsubscribes some seconds after the last lease.
 */
export class StreamHub {
  readonly #options: StreamHubOptions;
  readonly #index: StreamIndex;
  readonly #rooms = new Map<string, TopicRoom>();
  readonly #states = new Map<string, StreamState>();

  constructor(options: StreamHubOptions) {
    this.#options = options;
    this.#index = new StreamIndex(options.reader, options.clock);
  }

  /** The states that are open, for the slow check. */
  get states(): IterableIterator<StreamState> {
    return this.#states.values();
  }

  /** Opens a topic on this node, or keeps it open, until the lease is released. */
  open(topic: Topic): TopicLease {
    const room = this.#rooms.get(roomName(topic)) ?? this.#createRoom(topic);
    room.addLease();
    return {
      topic,
      room: room.name,
      opening: room.opening,
      states: () => this.#statesOf(room),
      release: () => room.releaseLease(),
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
        for (const room of this.#openRoomsOf(state.stream)) this.#options.pubSub.renew(pubSubChannel(room));
      return true;
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
      await pubSub.subscribe(pubSubChannel(room.name), (body) => this.#receive(room, body));
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
    this.#options.pubSub.unsubscribe(pubSubChannel(room.name));
    for (const { stream } of this.#statesOf(room)) {
      if (this.#openRoomsOf(stream).length === 0) this.#states.delete(roomName(stream));
    }
  }

  #statesOf({ isChannelRoom, name, topic }: TopicRoom): StreamState[] {
    if (isChannelRoom) return [...this.#states.values()].filter(({ stream }) => stream.channel === topic.channel);
    const state = this.#states.get(name);
    return state ? [state] : [];
  }

  #openRoomsOf(stream: Stream): string[] {
    return roomsOf(stream).filter((name) => this.#rooms.has(name));
  }

  #state(stream: Stream): StreamState {
    const name = roomName(stream);
    const existing = this.#states.get(name);
    if (existing) return existing;
    const { reader, metrics, deliver, onError } = this.#options;
    const { channel } = stream;
    const state = new StreamState({
      stream,
      reader,
      deliver: (entry, source) => {
        metrics.messages.inc({ channel, source });
        deliver(stream, entry);
      },
      onHole: (result) => metrics.holes.inc({ channel, result }),
      onError: (error) => onError(error, "repair"),
    });
    this.#states.set(name, state);
    return state;
  }

  #receive(room: TopicRoom, body: Buffer): void {
    const entry = parseEnvelope(body);
    const refusal = this.#refusal(room, entry);
    if (refusal) this.#options.metrics.redisDropped.inc({ reason: refusal });
    if (!entry || refusal) return;
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
      if (!isHeld && timeOf(state.lastId) < expiry) this.#states.delete(name);
    }
  }
}
