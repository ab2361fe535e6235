import { createHash, randomUUID } from "node:crypto";
import * as z from "zod";
import { isChannel } from "../../contract/channels.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import { identifier } from "../../contract/payloads/primitives.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import type { PublishOutcome } from "./publish-outcome.ts";

const id = z.string().regex(ENTRY_ID);

/**
 * What travels through the managed edge's queue: not the messages but the word that a stream has new ones. The fan-out
 * reads the stream from where it is, so that two publishers whose words overtake each other, a word that comes twice
 * and a word that is lost change neither order nor completeness.
 */
const hintSchema = z.object({
  channel: z.string().refine(isChannel),
  key: identifier.optional(),
  /** Of a large room, the part that one invocation serves: the listeners of a shard have all up to `after`. */
  part: z.object({ shard: z.int().min(0), after: id }).optional(),
});

export type EdgeHint = z.infer<typeof hintSchema>;

/** A hint on its way into the queue. */
export interface QueuedHint {
  readonly hint: EdgeHint;
  /** Two with the same id within five minutes are one. */
  readonly deduplicationId: string;
}

/** Puts hints into the queue, those of one stream in the given order. Rejects where one was not taken. */
export type EnqueueHints = (hints: readonly QueuedHint[]) => Promise<void>;

/** The hint in a message of the queue, or undefined where it is anything else. */
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

/** Rooms are of the characters that SQS takes, but an encoded id can be long. */
const queueName = (text: string): string =>
  text.length <= MAXIMUM_NAME_LENGTH ? text : createHash("sha256").update(text).digest("hex");

/** The message group: what is delivered one after the other, a stream or a shard of a stream whose room is large. */
export function groupOf(hint: EdgeHint): string {
  const room = roomName(streamOf(hint));
  return queueName(hint.part ? `${room}/${hint.part.shard}` : room);
}

/** The deduplication id of the hint at an entry: one word per stream (or part of its room) and entry. */
export const deduplicationIdOf = (hint: EdgeHint, entryId: string): string => queueName(`${groupOf(hint)}@${entryId}`);

/**
 * The hint about what one call of the publish script did, or undefined where there is nothing new.
 *
 * @param outcomes of the call's messages.
 */
export function hintAfter(stream: Stream, outcomes: readonly PublishOutcome[]): QueuedHint | undefined {
  const last = outcomes.findLast((outcome) => outcome.status === "published");
  if (last) return { hint: { ...stream }, deduplicationId: deduplicationIdOf({ ...stream }, last.id) };
  // A duplicate may be the retry of a publish whose hint did not reach the queue, so the hint is given again.
  const isRetry = outcomes.some(({ status }) => status === "duplicate");
  return isRetry ? { hint: { ...stream }, deduplicationId: randomUUID() } : undefined;
}
