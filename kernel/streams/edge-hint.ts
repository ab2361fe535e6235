import { createHash, randomUUID } from "node:crypto";
import * as z from "zod";
import { isChannel } from "../../contract/channels.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import { subject } from "../../contract/payloads/primitives.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import type { PublishOutcome } from "./publish-outcome.ts";

const id = z.string().regex(ENTRY_ID);

/**
 * A hint that a stream has new messages, as the managed edge's queue carries it: not the messages themselves. The fan-out
 * reads the stream from its cursor on, so that hints of two publishers that overtake each other, a hint that comes twice
 * and a hint that is lost change neither order nor completeness.
 */
const hintSchema = z.object({
  channel: z.string().refine(isChannel),
  key: subject.optional(),
  /** One shard of a large room, which one invocation serves: its subscribers have everything up to `after`. */
  part: z.object({ shard: z.int().min(0), after: id }).optional(),
});

export type EdgeHint = z.infer<typeof hintSchema>;

/** A hint to enqueue. */
export interface QueuedHint {
  readonly hint: EdgeHint;
  /** SQS drops a second hint with the same id within five minutes. */
  readonly deduplicationId: string;
}

/** Puts hints into the queue, those of one stream in the given order. Rejects where the queue did not accept one. */
export type EnqueueHints = (hints: readonly QueuedHint[]) => Promise<void>;

/** Parses a message of the queue; undefined where it is not a hint. */
export function parseHint(text: string): EdgeHint | undefined {
  try {
    const parsed = hintSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export const streamOf = ({ channel, key }: EdgeHint): Stream => ({ channel, key });

/** The longest name that SQS takes. */
const MAXIMUM_NAME_LENGTH = 128;

/** Returns a name that SQS takes: rooms have the allowed characters alone, but an encoded id can be too long. */
const queueName = (text: string): string =>
  text.length <= MAXIMUM_NAME_LENGTH ? text : createHash("sha256").update(text).digest("hex");

/** Returns the message group, whose hints are served in order: a stream, or one shard of a large room. */
export function groupOf(hint: EdgeHint): string {
  const room = roomName(streamOf(hint));
  return queueName(hint.part ? `${room}/${hint.part.shard}` : room);
}

/** Returns the deduplication id of a hint: one hint per entry and stream (or shard of its room). */
export const deduplicationIdOf = (hint: EdgeHint, entryId: string): string => queueName(`${groupOf(hint)}@${entryId}`);

/**
 * Returns the hint that follows one call of the publish script; undefined where it published nothing.
 *
 * @param outcomes of the call's messages.
 */
export function hintAfter(stream: Stream, outcomes: readonly PublishOutcome[]): QueuedHint | undefined {
  const last = outcomes.findLast((outcome) => outcome.status === "published");
  if (last) return { hint: { ...stream }, deduplicationId: deduplicationIdOf({ ...stream }, last.id) };
  // A duplicate may be the retry of a publish whose hint did not reach the queue: enqueue one again.
  const isRetry = outcomes.some(({ status }) => status === "duplicate");
  return isRetry ? { hint: { ...stream }, deduplicationId: randomUUID() } : undefined;
}
