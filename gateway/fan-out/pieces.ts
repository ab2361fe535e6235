import { setImmediate as nextTurn } from "node:timers/promises";
import { Bundle } from "./bundle.ts";
import type { Outbox } from "./outbox.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";
import { SnapshotCompression } from "./snapshot-compression.ts";

/** Bytes that are sent to one client before it must have taken them: below any limit on what may wait for it. */
const PIECE_BYTES = 65_536;

interface Receiver {
  readonly outbox: Outbox;
  /** Sends the client all that its rooms have for it. Returns the sequence up to which it has everything. */
  readonly catchUp: () => number;
}

/** Returns the newest of a stream: a newer message may have gone out while this one waited for its turn. */
const newestOf = (content: OutgoingOptions): OutgoingOptions => content.newest?.() ?? content;

/** Sends the first messages, up to a piece. Returns the others. */
function sendPiece({ outbox, catchUp }: Receiver, contents: readonly OutgoingOptions[], hasWaited: boolean) {
  const sequence = catchUp();
  const parts: Outgoing[] = [];
  let bytes = 0;
  for (const content of contents) {
    if (bytes > PIECE_BYTES) break;
    const part = new Outgoing(hasWaited ? newestOf(content) : content, sequence);
    parts.push(part);
    bytes += part.frame.length;
  }
  if (parts.length > 0) outbox.send([new Bundle(parts, new SnapshotCompression(parts))]);
  return contents.slice(parts.length);
}

/** Sends the messages piece by piece: one piece is never too much to wait, and other clients are served in between. */
async function sendRest(receiver: Receiver, contents: readonly OutgoingOptions[]): Promise<void> {
  await receiver.outbox.drained();
  for (let rest = contents; rest.length > 0; ) {
    await nextTurn();
    rest = sendPiece(receiver, rest, true);
    await receiver.outbox.drained();
  }
}

/**
 * Sends messages to one client, after all that its rooms had so far. Returns undefined where it has taken them at once;
 * otherwise the promise resolves once it has, or is gone.
 */
export function sendInPieces(receiver: Receiver, contents: readonly OutgoingOptions[]): Promise<void> | undefined {
  const rest = sendPiece(receiver, contents, false);
  return rest.length === 0 && (contents.length === 0 || receiver.outbox.isDrained)
    ? undefined
    : sendRest(receiver, rest);
}
