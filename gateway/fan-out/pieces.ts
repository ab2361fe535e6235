import { setImmediate as nextTurn } from "node:timers/promises";
import { Bundle } from "./bundle.ts";
import type { Outbox } from "./outbox.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";

/** Sent to one client at once, in bytes, before it must have taken it: below any bound on what may wait for it. */
const PIECE_BYTES = 65_536;

interface Receiver {
  readonly outbox: Outbox;
  /** Sends the client all that its rooms have for it; returns the sequence up to which it has everything. */
  readonly makeLevel: () => number;
}

/** The newest where a newer message may have gone out while this one waited for its turn. */
const newestOf = (content: OutgoingOptions): OutgoingOptions => content.newest?.() ?? content;

/** Returns what is left after it. */
function sendPiece({ outbox, makeLevel }: Receiver, contents: readonly OutgoingOptions[], hasWaited: boolean) {
  const sequence = makeLevel();
  const parts: Outgoing[] = [];
  let bytes = 0;
  for (const content of contents) {
    if (bytes > PIECE_BYTES) break;
    const part = new Outgoing(hasWaited ? newestOf(content) : content, sequence);
    parts.push(part);
    bytes += part.frame.length;
  }
  if (parts.length > 0) outbox.send([new Bundle(parts)]);
  return contents.slice(parts.length);
}

/** One piece is never too much to wait, and the others have their turn after it. */
async function sendRest(receiver: Receiver, contents: readonly OutgoingOptions[]): Promise<void> {
  await receiver.outbox.untilLevel();
  for (let rest = contents; rest.length > 0; ) {
    await nextTurn();
    rest = sendPiece(receiver, rest, true);
    await receiver.outbox.untilLevel();
  }
}

/**
 * Sends messages to one client, after all that its rooms had so far. Returns undefined where it has taken them at once;
 * otherwise the promise resolves once it has, or is gone.
 */
export function sendInPieces(receiver: Receiver, contents: readonly OutgoingOptions[]): Promise<void> | undefined {
  const rest = sendPiece(receiver, contents, false);
  return rest.length === 0 && (contents.length === 0 || receiver.outbox.isLevel) ? undefined : sendRest(receiver, rest);
}
