import pLimit from "p-limit";
import { isTimeout } from "../../../kernel/aws/bounded-requests.ts";
import { type CloseContext, closeConnection } from "../posting/close-connection.ts";
import type { ConnectionKey } from "../table/room-subscriber.ts";
import { isReceived, type MessageGroup } from "./message-groups.ts";

/** Connections posted to at once. */
const MAXIMUM_POSTS = 50;

/** Attempts at a batch before the connections that hold it up are closed: their clients reconnect and resume. */
const MAXIMUM_ATTEMPTS = 3;

/** Failed connections from which on the cause may be elsewhere, such as a throttled account. */
const MANY_FAILURES = 10;

/** The frames of one connection, of all streams. */
interface ConnectionBatch {
  readonly connection: ConnectionKey;
  readonly frames: string[];
  readonly groups: Set<MessageGroup>;
}

/** Collects the frames of each connection from the plans of all groups. */
function batchByConnection(groups: readonly MessageGroup[]): readonly ConnectionBatch[] {
  const batches = new Map<string, ConnectionBatch>();
  for (const group of groups) {
    if (group.hasFailed || !group.plan) continue;
    for (const [id, [subscriber]] of group.plan.audience.live) {
      const frames = group.plan.framesFor(id);
      if (frames.length === 0 || !subscriber) continue;
      const batch = batches.get(id) ?? { connection: subscriber.connection, frames: [], groups: new Set() };
      for (const frame of frames) batch.frames.push(frame);
      batch.groups.add(group);
      batches.set(id, batch);
    }
  }
  return [...batches.values()];
}

/** The outcome of a post; after `timed-out` the frames may have arrived or not. */
type PostOutcome = "done" | "failed" | "timed-out";

/** Resolves with `done` also where the connection has ended, which removes it. */
async function post(context: CloseContext, batch: ConnectionBatch, until: AbortSignal): Promise<PostOutcome> {
  const { connection, frames } = batch;
  if (until.aborted) return "failed";
  try {
    if (!(await context.poster.send(connection.id, frames, until))) await context.connections.remove(connection);
    return "done";
  } catch (error) {
    context.onError(error, "post");
    return isTimeout(error) && !until.aborted ? "timed-out" : "failed";
  }
}

/**
 * Posts the planned frames, each connection's in as few messages as they fit into. Resolves once every post has ended; a
 * failed post fails the groups that it was of, unless its connection is closed.
 *
 * @param until ends the posts that have not ended by then.
 */
export async function deliver(
  context: CloseContext,
  groups: readonly MessageGroup[],
  until: AbortSignal,
): Promise<void> {
  const limit = pLimit(MAXIMUM_POSTS);
  const batches = batchByConnection(groups);
  const outcomes = await Promise.all(batches.map((batch) => limit(() => post(context, batch, until))));
  const failed = batches.flatMap((batch, index) => {
    const outcome = outcomes[index];
    return outcome === undefined || outcome === "done" ? [] : [{ batch, outcome }];
  });
  // Where most posts fail at once the connections are not the cause, and closing them would make it worse.
  const isGeneral = failed.length >= MANY_FAILURES && failed.length > batches.length / 2;
  await Promise.all(
    failed.map(async ({ batch, outcome }) => {
      // One slow connection must not hold up a stream: its client reconnects and resumes. A post that timed out is not
      // retried: the stream would wait for the time limit again each time.
      const isHeldUp = [...batch.groups].some((group) => isReceived(group, MAXIMUM_ATTEMPTS));
      if (!isGeneral && (outcome === "timed-out" || isHeldUp)) await closeConnection(context, batch.connection);
      else for (const group of batch.groups) group.hasFailed = true;
    }),
  );
}
