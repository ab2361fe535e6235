import { setTimeout as delay } from "node:timers/promises";
import { roomName, type Stream, type Topic } from "../../../contract/stream.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import type { EdgeStreams, KeyAndId } from "../streams/edge-streams.ts";

/** Streams whose newest entry is read at once. */
const MAXIMUM_STREAMS = 500;

/** How long another subscriber may set cursors, in ms, and between two looks at whether it has done. */
const WAIT_MS = 3_000;
const WAIT_STEP_MS = 50;

interface EnterContext {
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
}

interface EnterOptions {
  /** A whole channel. */
  readonly whole: Topic;
  readonly token: string;
  /** Finds the streams that it has now. */
  readonly find: () => Promise<readonly Stream[]>;
}

async function readTops(reader: StreamReader, streams: readonly Stream[]): Promise<KeyAndId[]> {
  const tops: KeyAndId[] = [];
  for (let start = 0; start < streams.length; start += MAXIMUM_STREAMS) {
    const chunk = streams.slice(start, start + MAXIMUM_STREAMS);
    const newest = await Promise.all(chunk.map((stream) => reader.newest(stream, 1)));
    for (const [index, { key }] of chunk.entries()) {
      const id = newest[index]?.[0]?.id;
      if (key !== undefined && id !== undefined) tops.push([key, id]);
    }
  }
  return tops;
}

/**
 * Lets publishers know of a subscriber of a whole channel. The first one after a time without any sets the cursors of all
 * streams to where they are, as nobody has fanned them out: else each subscriber would have to write down thousands of
 * ids. Others wait meanwhile. Resolves once the streams can be read. Rejects with Redis's error.
 */
export async function enterWholeChannel({ streams, reader }: EnterContext, options: EnterOptions): Promise<void> {
  const { whole, token, find } = options;
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const claim = await streams.claim(whole, token);
    if (claim === "open") return;
    if (claim === "first") {
      await streams.adopt(whole, token, await readTops(reader, await find()));
      return streams.open(whole, token);
    }
    if (performance.now() > deadline) break;
    await delay(WAIT_STEP_MS);
  }
  // It has ended half-way. What it has not set, nobody sets now: each writes down what it has.
  await streams.mark([roomName(whole)]);
}
