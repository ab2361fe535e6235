import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import { belongsTo, type Entry, parseEnvelope } from "../../kernel/streams/entry.ts";
import { pubSubChannel, wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import type { DropReason, Metrics } from "../metrics.ts";
import type { RedisClock } from "../redis/redis-clock.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import { StreamState } from "./stream-state.ts";

/** How long a room without subscribers stays subscribed in Redis, in ms: a page that changes comes back at once. */
const LINGER_MS = 5_000;

/** How far, in ms, two reads of the index overlap: more than a read may take. */
const INDEX_OVERLAP_MS = 10_000;

/** A stream's room, or the room of a whole keyed channel (`stream.key` undefined). */
interface Room {
  readonly name: string;
  readonly stream: Topic;
  readonly isWhole: boolean;
  holders: number;
  /** Whether `ready` has resolved: a stream without state is then new, not one that is being loaded. */
  started: boolean;
  /** Settles once Redis confirmed the subscription and the states of its streams are loaded. */
  ready: Promise<void>;
  linger?: NodeJS.Timeout | undefined;
}

interface StreamHubOptions {
  readonly pubSub: ShardedPubSub;
  readonly clock: RedisClock;
  readonly reader: StreamReader;
  readonly metrics: Metrics;
  /** Gets every entry of the streams that are open here, once and in order. */
  readonly deliver: (stream: Stream, entry: Entry) => void;
  readonly onError: (error: Error, stage: string) => void;
}

/**
 * The rooms and streams that this node has subscribers for. It subscribes to a room in Redis with the room's first
 * holder, feeds the states of its streams with what comes, and lets go some seconds after the last holder.
 */
export class StreamHub {
  readonly #options: StreamHubOptions;
  readonly #rooms = new Map<string, Room>();
  readonly #states = new Map<string, StreamState>();
  /** Until when the index of a whole channel has been read, by Redis's clock. */
  readonly #indexReadUntil = new Map<Channel, number>();

  constructor(options: StreamHubOptions) {
    this.#options = options;
  }

  /** The states that are open, for the slow check. */
  get states(): IterableIterator<StreamState> {
    return this.#states.values();
  }

  /**
   * Resolves once messages of the stream arrive here (of every stream of a keyed channel, where `key` is undefined),
   * with the function that lets go of it again. Rejects where Redis does not answer.
   */
  async open(stream: Topic): Promise<() => void> {
    const name = roomName(stream);
    const room = this.#rooms.get(name) ?? this.#createRoom(name, stream);
    room.holders += 1;
    clearTimeout(room.linger);
    const release = () => this.#release(room);
    try {
      await room.ready;
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** As `open`, where that takes no waiting; undefined where it does. */
  openNow(stream: Topic): (() => void) | undefined {
    const room = this.#rooms.get(roomName(stream));
    if (!room?.started) return undefined;
    room.holders += 1;
    clearTimeout(room.linger);
    return () => this.#release(room);
  }

  /** The states that a request for a stream concerns: its own, or all of the channel. Open it first. */
  statesOf(stream: Topic): StreamState[] {
    const room = this.#rooms.get(roomName(stream));
    return room?.isWhole ? this.#statesOfChannel(stream.channel) : this.#find(stream);
  }

  /** The rooms that a stream's entries go to. */
  roomsOf({ channel, key }: Stream): string[] {
    const whole = wholeChannelRoom(channel);
    const rooms = [roomName({ channel, key }), ...(whole === undefined ? [] : [whole])];
    return rooms.filter((name) => this.#rooms.has(name));
  }

  /** Makes every stream level with Redis, after a connection that may have missed messages. */
  async repairAll(): Promise<void> {
    await Promise.all([...this.#states.values()].map((state) => state.repair().catch(this.#onReadError)));
  }

  /**
   * The slow check of one stream: resolves with whether it is level with Redis now. Where it had to be repaired the
   * subscription may be gone without a sign, so it is asked for again.
   */
  async check(state: StreamState): Promise<boolean> {
    try {
      if (await state.check())
        for (const room of this.roomsOf(state.stream)) this.#options.pubSub.renew(pubSubChannel(room));
      return true;
    } catch (error) {
      this.#onReadError(error);
      return false;
    }
  }

  /** Finds the streams of whole channels whose first entry never arrived, and forgets those that have expired. */
  async checkIndexes(): Promise<void> {
    for (const { isWhole, stream } of this.#rooms.values()) {
      if (isWhole) await this.#checkIndex(stream.channel).catch(this.#onReadError);
    }
  }

  readonly #onReadError = (error: unknown): void =>
    this.#options.onError(error instanceof Error ? error : new Error(String(error)), "read");

  #createRoom(name: string, stream: Topic): Room {
    const isWhole = name === wholeChannelRoom(stream.channel);
    const room: Room = { name, stream, isWhole, holders: 0, started: false, ready: Promise.resolve() };
    this.#rooms.set(name, room);
    this.#options.metrics.rooms.set(this.#rooms.size);
    room.ready = this.#start(room);
    return room;
  }

  async #start(room: Room): Promise<void> {
    const { pubSub, clock } = this.#options;
    try {
      await clock.isKnown;
      await pubSub.subscribe(pubSubChannel(room.name), (body) => this.#receive(room, body));
      const { channel } = room.stream;
      const keys = room.isWhole ? await this.#readIndex(channel, this.#expiry(channel)) : [room.stream.key];
      await Promise.all(keys.map((key) => this.#state({ channel, key }).load()));
      room.started = true;
    } catch (error) {
      this.#close(room);
      throw error;
    }
  }

  #release(room: Room): void {
    room.holders -= 1;
    if (room.holders > 0) return;
    room.linger = setTimeout(() => this.#close(room), LINGER_MS);
    room.linger.unref();
  }

  #close(room: Room): void {
    if (this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    this.#options.metrics.rooms.set(this.#rooms.size);
    this.#options.pubSub.unsubscribe(pubSubChannel(room.name));
    const states = room.isWhole ? this.#statesOfChannel(room.stream.channel) : this.#find(room.stream);
    for (const { stream } of states) {
      if (this.roomsOf(stream).length === 0) this.#states.delete(roomName(stream));
    }
  }

  #find(stream: Topic): StreamState[] {
    const state = this.#states.get(roomName(stream));
    return state ? [state] : [];
  }

  #statesOfChannel(channel: Channel): StreamState[] {
    return [...this.#states.values()].filter(({ stream }) => stream.channel === channel);
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

  #receive(room: Room, body: Buffer): void {
    const entry = parseEnvelope(body);
    const refusal = this.#refusal(room, entry);
    if (refusal) this.#options.metrics.redisDropped.inc({ reason: refusal });
    if (!entry || refusal) return;
    const stream: Stream = { channel: room.stream.channel, key: room.stream.key ?? entry.marketId };
    const [state] = this.#find(stream);
    // Without a state the room is still loading, and will read this entry, or the stream is new.
    if (state || room.started) (state ?? this.#startEmpty(stream)).receive(entry);
  }

  #startEmpty(stream: Stream): StreamState {
    const state = this.#state(stream);
    state.startEmpty();
    return state;
  }

  #refusal(room: Room, entry: Entry | undefined): DropReason | undefined {
    if (!entry) return "malformed";
    if (!belongsTo(entry, room.stream)) return "foreign_room";
    return this.#options.clock.isAhead(entry.id) ? "id_ahead" : undefined;
  }

  /** The keys of a channel's streams that had an entry since a time. Rejects where Redis cannot be read. */
  async #readIndex(channel: Channel, since: number): Promise<string[]> {
    const { reader, clock } = this.#options;
    const now = clock.earliest;
    const keys = await reader.activeKeys(channel, since);
    if (now !== undefined) this.#indexReadUntil.set(channel, now);
    return keys;
  }

  /** By Redis's clock alone: ids are no clock, one may be forged; and this process's own may be wrong. */
  async #checkIndex(channel: Channel): Promise<void> {
    const now = this.#options.clock.earliest;
    if (now === undefined) return;
    const since = Math.min(now, this.#indexReadUntil.get(channel) ?? 0) - INDEX_OVERLAP_MS;
    const active = await this.#readIndex(channel, Math.max(0, since));
    const unseen = active.filter((key) => !this.#states.has(roomName({ channel, key })));
    await Promise.all(unseen.map((key) => this.#startEmpty({ channel, key }).repair()));
    const expired = this.#expiry(channel);
    for (const state of this.#statesOfChannel(channel)) {
      const name = roomName(state.stream);
      if (timeOf(state.lastId) < expired && !state.isReading && !this.#rooms.has(name)) this.#states.delete(name);
    }
  }

  /** A stream whose last entry is older, by Redis's clock, is not held any more. */
  #expiry(channel: Channel): number {
    const { seconds } = channelDefinition(channel).history;
    return Math.max(0, (this.#options.clock.earliest ?? 0) - seconds * 1_000 - INDEX_OVERLAP_MS);
  }
}
