import { afterAll, beforeAll } from "vitest";
import type { Stream } from "../../contract/stream.ts";
import { EntryStream } from "../../gateway/streams/entry-stream.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { createStreamReader, type StreamReader } from "../../kernel/streams/stream-reader.ts";
import { message } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const fail = (error: unknown): never => {
  throw error;
};

interface SubjectOptions {
  /** @default "market:trades" */
  readonly channel?: "market:trades" | "market:prices";
  /** Replaces methods of the stream reader. */
  readonly reader?: Partial<StreamReader>;
}

/** A stream in Redis, with entries that nobody hears of, and its state on a node. */
export class Subject {
  readonly stream: Stream;
  readonly state: EntryStream;
  /** What was delivered: `id after prev, source`. */
  readonly delivered: string[] = [];
  readonly gaps: string[] = [];
  /** The number of reads of Redis. */
  reads = 0;
  readonly #commands: TestRedis["commands"];
  #newest = 0;

  constructor(
    commands: TestRedis["commands"],
    key: string,
    { channel = "market:trades", ...options }: SubjectOptions = {},
  ) {
    const reader = { ...createStreamReader(commands), ...options.reader };
    this.#commands = commands;
    this.stream = { channel, key };
    const count = <A extends unknown[], R>(read: (...values: A) => R) => {
      return (...values: A): R => {
        this.reads += 1;
        return read(...values);
      };
    };
    this.state = new EntryStream({
      stream: this.stream,
      reader: { ...reader, newest: count(reader.newest), after: count(reader.after) },
      deliver: ({ id, prev }, source) => this.delivered.push(`${id} after ${prev}, ${source}`),
      onGap: (result) => this.gaps.push(result),
      onError: fail,
    });
  }

  /** Writes entries with these ids, each after the one before it. Returns them as they would arrive. */
  async write(...numbers: readonly number[]): Promise<Entry[]> {
    const { channel, key = "" } = this.stream;
    const entries = numbers.map((number): Entry => {
      const prev = `${this.#newest}-0`;
      this.#newest = number;
      return { channel, marketId: key, data: message(channel, key, number).data, id: `${number}-0`, prev };
    });
    const pipeline = this.#commands.pipeline();
    for (const { id, prev, ...body } of entries) {
      pipeline.xadd(streamKey(this.stream), id, "m", JSON.stringify(body).slice(0, -1), "p", prev);
    }
    await pipeline.exec();
    return entries;
  }

  /** Lets Redis lose the stream, so that the next entry has no predecessor. */
  async lose(): Promise<void> {
    await this.#commands.del(streamKey(this.stream));
    this.#newest = 0;
  }

  receive(entries: readonly Entry[]): void {
    for (const entry of entries) this.state.receive(entry);
  }

  /** Resolves once the reads under way are over. */
  async settle(): Promise<void> {
    while (this.state.isReading) await this.state.load();
  }
}

/** Starts a Redis for the tests of the block that calls this. */
export function setUpStreams() {
  let redis: TestRedis | undefined;
  beforeAll(async () => {
    redis = await startTestRedis("a single Redis");
  });
  afterAll(() => redis?.stop());
  const commands = (): TestRedis["commands"] => {
    if (!redis) throw new Error("Redis is started before the first test");
    return redis.commands;
  };
  const create = (key: string, options?: SubjectOptions): Subject => new Subject(commands(), key, options);
  return {
    commands,
    reader: (): StreamReader => createStreamReader(commands()),
    create,
    /** Creates a stream with these entries, and loads its state. */
    async start(key: string, numbers: readonly number[], options?: SubjectOptions): Promise<Subject> {
      const subject = create(key, options);
      await subject.write(...numbers);
      await subject.state.load();
      subject.reads = 0;
      return subject;
    },
  };
}

/** A reader of entries whose answers wait until `open` is called; `hasRead` resolves once Redis has given the first one. */
export function gated(reader: StreamReader) {
  const gate = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const after: StreamReader["after"] = async (...values) => {
    const page = await reader.after(...values);
    answered.resolve();
    await gate.promise;
    return page;
  };
  return { reader: { after }, hasRead: answered.promise, open: gate.resolve };
}
