import type { Stream } from "../../../contract/stream.ts";
import { shardOf, shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import type { ConnectionKey } from "../table/room-subscriber.ts";
import { deliveredId, type StoredCursor } from "./cursor.ts";
import type { EdgeStreams } from "./edge-streams.ts";

/** What the cursors say of one stream. */
export interface Delivered {
  /** Up to where whoever is live has it; undefined where that is not known, or still in the queue. */
  readonly id: string | undefined;
  /** Whether it was ever fanned out. */
  readonly hasCursor: boolean;
}

/** Reads up to where streams of one channel are delivered to a connection, in their order. Rejects with Redis's error. */
export async function readDelivered(
  streams: EdgeStreams,
  connection: ConnectionKey,
  list: readonly Stream[],
): Promise<readonly Delivered[]> {
  const cursors = await streams.cursors(list.map((stream) => ({ stream })));
  const split = list.filter((_, index) => cursors[index]?.cursor?.splitAt !== undefined);
  const parts = await streams.cursors(
    split.map((stream) => ({ stream, shard: shardOf(connection.id, shardsOf(stream.channel)) })),
  );
  const partOf = new Map<Stream, StoredCursor | undefined>(split.map((stream, index) => [stream, parts[index]]));
  return list.map((stream, index) => {
    const cursor = cursors[index] ?? {};
    return { id: deliveredId(cursor, partOf.get(stream) ?? {}), hasCursor: cursor.text !== undefined };
  });
}
