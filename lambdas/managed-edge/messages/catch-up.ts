import { ChannelError } from "../../../contract/errors.ts";
import { FIRST_ID } from "../../../contract/ids.ts";
import { isStateChannel } from "../../../contract/state/state-formats.ts";
import { isStream, type Stream, type StreamPosition, type Topic } from "../../../contract/stream.ts";
import { chunks } from "../../../kernel/chunks.ts";
import { activeSince } from "../../../kernel/protocol/active-streams.ts";
import { lastIdFor } from "../../../kernel/protocol/subscribe-plan.ts";
import { DamagedStateError } from "../../../kernel/streams/stored-state.ts";
import type { AnsweredMessages } from "../posting/outbox.ts";
import type { EdgeStreams } from "../streams/edge-streams.ts";
import { type StateContext, valueUnavailable } from "../streams/held-state.ts";
import { type Resume, readFollowing, readResume, readSnapshot } from "../streams/resume.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import { readStateFollowing, readStateResume } from "./resume-state.ts";
import { SubscribedParts, type SubscribedPartsOptions } from "./subscribed-parts.ts";

/** Streams that are read at once: the whole history of each may be in memory. */
const MAXIMUM_STREAMS = 100;

/** Largest answer to one request, in UTF-16 code units, and the longest time that it may take, in ms: a function ends. */
const MAXIMUM_ANSWER_SIZE = 24_000_000;
const MAXIMUM_ANSWER_MS = 12_000;

export interface CatchUpContext extends StateContext {
  readonly streams: EdgeStreams;
  /** Called for each failure, with the step that failed. */
  readonly onError: (error: unknown, stage: string) => void;
}

export interface CatchUpOptions extends SubscribedPartsOptions {
  /** The topics of the request: streams, or one whole channel. */
  readonly topics: readonly Topic[];
}

/**
 * Brings a client from the ids that it has to the newest entries of its streams: the answer, the messages that go with it,
 * and those that come meanwhile.
 */
export class CatchUp {
  readonly #context: CatchUpContext;
  readonly #options: CatchUpOptions;
  readonly #parts: SubscribedParts;
  readonly #began = performance.now();
  /** Up to which id the client has each stream, by key: the streams of a request are of one channel. */
  readonly #positions = new Map<string | undefined, StreamPosition>();
  /** The keys of the streams whose value in Redis is damaged. */
  readonly #damaged = new Set<string | undefined>();

  constructor(context: CatchUpContext, options: CatchUpOptions) {
    this.#context = context;
    this.#options = options;
    this.#parts = new SubscribedParts(options);
  }

  /** The topic of a request for all streams of a keyed channel; undefined where the request names streams. */
  get wholeChannel(): Topic | undefined {
    return this.#options.topics.find((topic) => !isStream(topic));
  }

  get isWholeChannel(): boolean {
    return this.wholeChannel !== undefined;
  }

  /** The positions of the client in the streams that were read. */
  get positions(): readonly StreamPosition[] {
    return [...this.#positions.values()];
  }

  /** Returns up to which id the client has a stream of the request; undefined where it was not read. */
  positionOf({ key }: Topic): string | undefined {
    return this.#positions.get(key)?.id;
  }

  /** True for a stream of the request whose value in Redis is damaged: it is in no answer, and nothing of it was sent. */
  isDamaged({ key }: Topic): boolean {
    return this.#damaged.has(key);
  }

  /**
   * Answers, and delivers snapshot or history; resolves once all of it is sent. A large answer goes in parts, so that it is
   * never in memory as a whole.
   *
   * @throws ChannelError `limit_exceeded` where the answer is too large, `unavailable` where the request is for one stream
   *   and its value in Redis is damaged.
   */
  async answer(): Promise<void> {
    const { outbox } = this.#options;
    for (const chunk of chunks(await this.findStreams(), MAXIMUM_STREAMS)) {
      if (outbox.isGone) return;
      const read = await Promise.all(chunk.map((stream) => this.#unlessDamaged(stream, () => this.#read(stream))));
      for (const [index, stream] of chunk.entries()) {
        const resume = read[index];
        if (!resume && this.#isOneStream) throw valueUnavailable();
        if (!resume) continue;
        const answered = { stream, ...resume };
        if (!this.#parts.fits(answered)) await this.#endPart();
        this.#positions.set(stream.key, { stream, id: resume.id });
        this.#parts.add(answered);
      }
    }
    this.#parts.end({ isLast: true });
    await outbox.flush();
  }

  /** Delivers what has come meanwhile on the streams whose fan-outs skipped these subscribers. */
  async follow(subscribers: readonly RoomSubscriber[]): Promise<void> {
    for (const chunk of chunks(await this.#findSkipped(subscribers), MAXIMUM_STREAMS)) {
      const following = await Promise.all(
        chunk.map((stream) => this.#unlessDamaged(stream, () => this.#readFollowing(stream))),
      );
      for (const [index, stream] of chunk.entries()) if (following[index]) this.#deliver(stream, following[index]);
      await this.#options.outbox.flush();
    }
  }

  /** Resolves with the streams of the request; of a whole channel, with those that it has now. */
  async findStreams(): Promise<readonly Stream[]> {
    const { wholeChannel } = this;
    if (!wholeChannel) return this.#options.topics.filter(isStream);
    const { streams, reader } = this.#context;
    const { channel } = wholeChannel;
    const keys = await reader.activeKeys(channel, activeSince(channel, await streams.now(wholeChannel)));
    return keys.map((key) => ({ channel, key }));
  }

  get #isOneStream(): boolean {
    return this.#options.topics.length === 1 && !this.isWholeChannel;
  }

  async #findSkipped(subscribers: readonly RoomSubscriber[]): Promise<readonly Stream[]> {
    if (!this.isWholeChannel) return subscribers.map(({ topic }) => topic).filter(isStream);
    const keys = subscribers.map(({ skippedKeys }) => skippedKeys);
    if (keys.some((each) => each === undefined)) return this.findStreams();
    const { channel } = this.#options.request;
    return [...new Set(keys.flatMap((each) => each ?? []))].map((key) => ({ channel, key }));
  }

  #read(stream: Stream): Promise<Resume> {
    const { reader } = this.#context;
    const { request } = this.#options;
    const lastId = lastIdFor(request, stream);
    if (isStateChannel(stream.channel)) return readStateResume(this.#context, stream, { lastId, view: request });
    return lastId === undefined ? readSnapshot(reader, stream) : readResume(reader, stream, lastId);
  }

  async #readFollowing(stream: Stream): Promise<AnsweredMessages> {
    const id = this.positionOf(stream) ?? FIRST_ID;
    if (isStateChannel(stream.channel)) {
      return readStateFollowing(this.#context, stream, { id, view: this.#options.request });
    }
    return { entries: await readFollowing(this.#context.reader, stream, id) };
  }

  /** Resolves with undefined where the value of the stream is damaged: the other streams of the request go on. */
  async #unlessDamaged<T>(stream: Stream, read: () => Promise<T>): Promise<T | undefined> {
    if (this.isDamaged(stream)) return undefined;
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedStateError)) throw error;
      this.#context.onError(error, "state");
      this.#damaged.add(stream.key);
      return undefined;
    }
  }

  #deliver(stream: Stream, messages: AnsweredMessages): void {
    const id = messages.entries.at(-1)?.id ?? this.positionOf(stream) ?? FIRST_ID;
    this.#positions.set(stream.key, { stream, id });
    this.#options.outbox.addMessages(messages);
  }

  async #endPart(): Promise<void> {
    const { outbox } = this.#options;
    this.#parts.end({ isLast: false });
    const isTooLarge = outbox.size > MAXIMUM_ANSWER_SIZE || performance.now() - this.#began > MAXIMUM_ANSWER_MS;
    if (isTooLarge) {
      throw new ChannelError("limit_exceeded", "the answer is too large for one request; subscribe to fewer markets");
    }
    await outbox.flush();
  }
}
