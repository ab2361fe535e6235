import type { Stream } from "../../../contract/stream.ts";
import { shardOf, shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import { deliveredId, type StoredCursor } from "./cursor.ts";
import type { EdgeStreams } from "./edge-streams.ts";

/** The fan-out's position in one stream. */
export interface DeliveredPosition {
  /** The id up to which every live subscriber has it; undefined where that is unknown, or still in the queue. */
  readonly id: string | undefined;
  /** False where the stream was never fanned out. */
  readonly hasCursor: boolean;
}

/**
 * Resolves with how far streams of one channel are delivered to a connection, in the order of the streams. Rejects with
 * Redis's error.
 */
export async function readDelivered(
  edgeStreams: EdgeStreams,
  connectionId: string,
  streams: readonly Stream[],
): Promise<readonly DeliveredPosition[]> {
  const cursors = await edgeStreams.readCursors(streams.map((stream) => ({ stream })));
  const split = streams.filter((_, index) => cursors[index]?.cursor?.splitAt !== undefined);
  const parts = await edgeStreams.readCursors(
    split.map((stream) => ({ stream, shard: shardOf(connectionId, shardsOf(stream.channel)) })),
  );
  const partOf = new Map<Stream, StoredCursor | undefined>(split.map((stream, index) => [stream, parts[index]]));
  return streams.map((stream, index) => {
    const cursor = cursors[index] ?? {};
    return { id: deliveredId(cursor, partOf.get(stream) ?? {}), hasCursor: cursor.text !== undefined };
  });
}
