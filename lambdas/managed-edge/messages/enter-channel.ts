import { setTimeout as delay } from "node:timers/promises";
import { roomName, type Stream, type StreamPosition, type Topic } from "../../../contract/stream.ts";
import { chunks } from "../../../kernel/chunks.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import type { EdgeStreams } from "../streams/edge-streams.ts";

/** Streams whose newest entry is read at once. */
const MAXIMUM_STREAMS = 500;

/** Longest wait for another subscriber to set the cursors, and the pause between two looks at it, in ms. */
const WAIT_MS = 3_000;
const WAIT_STEP_MS = 50;

interface EnterContext {
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
}

interface EnterOptions {
  readonly wholeChannel: Topic;
  /** Identifies the `subscribe`. */
  readonly token: string;
  /** Resolves with the streams that the channel has now. */
  readonly findStreams: () => Promise<readonly Stream[]>;
}

/** Resolves with the position of the newest entry of each stream that has one. */
async function readNewest(reader: StreamReader, streams: readonly Stream[]): Promise<StreamPosition[]> {
  const positions: StreamPosition[] = [];
  for (const chunk of chunks(streams, MAXIMUM_STREAMS)) {
    const newest = await Promise.all(chunk.map((stream) => reader.newest(stream, 1)));
    for (const [index, stream] of chunk.entries()) {
      const id = newest[index]?.[0]?.id;
      if (id !== undefined) positions.push({ stream, id });
    }
  }
  return positions;
}

/**
 * Marks a whole channel as subscribed. The first subscriber after a time without any sets the cursors of all streams to
 * their newest entries, since nobody has fanned them out: otherwise each subscriber would have to save thousands of ids.
 * Others wait meanwhile. Resolves once the streams can be read. Rejects with Redis's error.
 */
export async function enterChannel({ streams, reader }: EnterContext, options: EnterOptions): Promise<void> {
  const { wholeChannel, token, findStreams } = options;
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const claim = await streams.claim(wholeChannel, token);
    if (claim === "open") return;
    if (claim === "first") {
      await streams.adopt(wholeChannel, token, await readNewest(reader, await findStreams()));
      return streams.open(wholeChannel, token);
    }
    if (performance.now() > deadline) break;
    await delay(WAIT_STEP_MS);
  }
  // The subscriber that had the claim has ended without setting all cursors: each subscriber saves its own positions.
  await streams.mark([roomName(wholeChannel)]);
}
