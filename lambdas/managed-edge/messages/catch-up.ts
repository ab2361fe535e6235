import { describeSubscribed, type SubscribedPosition, toPart } from "../../../contract/answers.ts";
import { channelDefinition } from "../../../contract/channels.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { RequestId } from "../../../contract/managed-edge.ts";
import type { SubscribeRequest } from "../../../contract/messages.ts";
import { FIRST_ID, isStream, type Stream, type Topic } from "../../../contract/stream.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { wholeChannelRoom } from "../../../kernel/streams/redis-keys.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import type { Outbox } from "../posting/outbox.ts";
import type { EdgeStreams } from "../streams/edge-streams.ts";
import { type Resume, readFollowing, readResume, readSnapshot } from "../streams/resume.ts";
import type { Listener } from "../table/room-subscriber.ts";

/** Streams that are read at once: of each, the whole history may be in memory. */
const MAXIMUM_STREAMS = 100;

/** Where one part of an answer ends: bytes of its ids, and messages that go with it. */
const MAXIMUM_PART_BYTES = 30_000;
const MAXIMUM_PART_ENTRIES = 5_000;

/** What one request may bring at the most, in characters, and how long that may take, in ms: a function ends. */
const MAXIMUM_ANSWER_SIZE = 24_000_000;
const MAXIMUM_ANSWER_MS = 12_000;

export interface CatchUpContext {
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
}

export interface CatchUpOptions {
  readonly request: SubscribeRequest;
  readonly id: RequestId | undefined;
  /** What the request names: streams, or one whole channel. */
  readonly rooms: readonly Topic[];
  readonly outbox: Outbox;
}

type Caught = SubscribedPosition & Pick<Resume, "entries">;

/** What a stream takes in an answer, in bytes: its id in `ids` and, where it is not recovered, once more its name. */
function sizeOf({ stream: { key = "" }, id, recovered }: Caught): number {
  const bytes = Buffer.byteLength(JSON.stringify(key));
  return bytes + id.length + 4 + (recovered ? 0 : bytes + 1);
}

/** Brings a client from what it has to where its streams are: the answer, what goes with it, and what comes meanwhile. */
export class CatchUp {
  readonly #context: CatchUpContext;
  readonly #options: CatchUpOptions;
  readonly #began = performance.now();
  /** By key: the streams of a request are of one channel. */
  readonly #positions = new Map<string | undefined, string>();
  #pending: Caught[] = [];
  /** How large the part is that is being filled. */
  #part: { readonly bytes: number; readonly count: number };
  #isFirstPart = true;

  constructor(context: CatchUpContext, options: CatchUpOptions) {
    this.#context = context;
    this.#options = options;
    // The first part repeats the request's markets.
    this.#part = { bytes: Buffer.byteLength(JSON.stringify(options.request.marketId ?? "")), count: 0 };
  }

  /** Whether the request is for all streams of a keyed channel. */
  get isWhole(): boolean {
    const { channel, keys } = this.#options.request;
    return keys === undefined && wholeChannelRoom(channel) !== undefined;
  }

  /** Up to which id the client has each stream, by key. */
  get positions(): ReadonlyMap<string | undefined, string> {
    return this.#positions;
  }

  /**
   * Answers, and delivers snapshot or history; resolves once all of it has left. A large answer goes in parts, so that it
   * is never whole in memory.
   *
   * @throws ChannelError `limit_exceeded` where the request would bring more than one can.
   */
  async answer(): Promise<void> {
    const { outbox } = this.#options;
    const streams = await this.streams();
    for (let start = 0; start < streams.length; start += MAXIMUM_STREAMS) {
      if (outbox.isGone) return;
      const chunk = streams.slice(start, start + MAXIMUM_STREAMS);
      const caught = await Promise.all(chunk.map(async (stream) => ({ stream, ...(await this.#read(stream)) })));
      for (const each of caught) {
        if (!this.#fits(each)) await this.#endPart();
        this.#add(each);
      }
    }
    this.#addPart(true);
    await outbox.flush();
  }

  /** Delivers what came meanwhile on the streams that passed these listeners by. */
  async follow(listeners: readonly Listener[]): Promise<void> {
    const streams = await this.#passedBy(listeners);
    for (let start = 0; start < streams.length; start += MAXIMUM_STREAMS) {
      const chunk = streams.slice(start, start + MAXIMUM_STREAMS);
      const following = await Promise.all(chunk.map((stream) => this.#readFollowing(stream)));
      for (const [index, stream] of chunk.entries()) this.#take(stream, following[index] ?? []);
      await this.#options.outbox.flush();
    }
  }

  /** The streams of the request; of a whole channel, those that there are now. */
  async streams(): Promise<readonly Stream[]> {
    const { rooms, request } = this.#options;
    const { channel } = request;
    const [whole] = rooms;
    if (!this.isWhole || !whole) return rooms.filter(isStream);
    const { streams, reader } = this.#context;
    const since = (await streams.now(whole)) - channelDefinition(channel).history.seconds * 1_000;
    return (await reader.activeKeys(channel, since)).map((key) => ({ channel, key }));
  }

  async #passedBy(listeners: readonly Listener[]): Promise<readonly Stream[]> {
    if (!this.isWhole) return listeners.map(({ stream }) => stream).filter(isStream);
    const keys = listeners.map(({ passedBy }) => passedBy);
    if (keys.some((each) => each === undefined)) return this.streams();
    const { channel } = this.#options.request;
    return [...new Set(keys.flatMap((each) => each ?? []))].map((key) => ({ channel, key }));
  }

  #lastIdOf({ key }: Stream): string | undefined {
    const { lastId } = this.#options.request;
    if (lastId === undefined || typeof lastId === "string") return lastId;
    return key === undefined ? undefined : lastId.get(key);
  }

  #read(stream: Stream): Promise<Resume> {
    const { reader } = this.#context;
    const id = this.#lastIdOf(stream);
    return id === undefined ? readSnapshot(reader, stream) : readResume(reader, stream, id);
  }

  #readFollowing(stream: Stream): Promise<readonly Entry[]> {
    return readFollowing(this.#context.reader, stream, this.#positions.get(stream.key) ?? FIRST_ID);
  }

  #take({ key }: Stream, entries: readonly Entry[]): void {
    const id = entries.at(-1)?.id ?? this.#positions.get(key) ?? FIRST_ID;
    this.#positions.set(key, id);
    this.#options.outbox.addAll(entries.map((data) => ({ event: "data", data }) as const));
  }

  /** Whether one more stream belongs into the part that is being filled. */
  #fits(caught: Caught): boolean {
    const { bytes, count } = this.#part;
    return (
      this.#pending.length === 0 ||
      (bytes + sizeOf(caught) <= MAXIMUM_PART_BYTES && count + caught.entries.length <= MAXIMUM_PART_ENTRIES)
    );
  }

  #add(caught: Caught): void {
    const { bytes, count } = this.#part;
    this.#positions.set(caught.stream.key, caught.id);
    this.#pending.push(caught);
    this.#part = { bytes: bytes + sizeOf(caught), count: count + caught.entries.length };
  }

  async #endPart(): Promise<void> {
    const { outbox } = this.#options;
    this.#addPart(false);
    const isTooMuch = outbox.size > MAXIMUM_ANSWER_SIZE || performance.now() - this.#began > MAXIMUM_ANSWER_MS;
    if (isTooMuch) {
      throw new ChannelError("limit_exceeded", "this is more than one request may bring; subscribe to fewer markets");
    }
    await outbox.flush();
  }

  #addPart(isLast: boolean): void {
    const { request, id, outbox } = this.#options;
    const answer = describeSubscribed(request, this.#pending);
    outbox.add({ event: "subscribed", data: toPart(answer, { isFirst: this.#isFirstPart, isLast }), id });
    for (const { entries } of this.#pending) outbox.addAll(entries.map((data) => ({ event: "data", data }) as const));
    this.#isFirstPart = false;
    this.#pending = [];
    this.#part = { bytes: 0, count: 0 };
  }
}
