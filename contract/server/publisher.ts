import type { Cluster, Redis } from "ioredis";
import pTimeout from "p-timeout";
import * as z from "zod";
import { type Channel, channelDefinition, isChannel } from "../channels.ts";
import type { ChannelMessage } from "../domain-events.ts";
import { describeIssue } from "../frames.ts";
import { eventId, identifier } from "../payloads/primitives.ts";
import { type HandOn, hintAfter, type QueuedHint } from "./edge-hint.ts";
import { publishScript } from "./publish-script.ts";
import { streamKey } from "./redis-keys.ts";
import { type PreparedMessage, scriptArguments } from "./script-arguments.ts";

/** Largest message, in bytes of JSON: what API Gateway sends in one WebSocket message (128 KB), less an envelope. */
export const MAXIMUM_BODY_BYTES = 120_000;

/**
 * Longest wait for a cluster, in ms. Its client tries to connect for ever and lets commands wait meanwhile; a single
 * node's has a limit of its own. What is carried out after all is a duplicate of the retry, or the retry of it.
 */
const CLUSTER_TIMEOUT_MS = 4_000;

/** Most messages in one call of the script: some 20 µs each, so that no other command waits for more than about 2 ms. */
const MAXIMUM_SCRIPT_BATCH = 100;

/** What became of one message. `duplicate` and `stale` are successes: it, or something newer, is out already. */
export type PublishOutcome =
  | { readonly status: "published"; readonly id: string }
  | { readonly status: "duplicate" | "stale" }
  | { readonly status: "failed"; readonly error: Error };

/** A message that does not fit its channel; publishing it again cannot help. */
export class InvalidMessageError extends Error {
  override readonly name = "InvalidMessageError";
}

/** Some messages could not be published. Publish the same messages again: what is out already is not sent twice. */
export class PublishError extends Error {
  override readonly name = "PublishError";
  /** In the order of the messages. */
  readonly outcomes: readonly PublishOutcome[];

  constructor(outcomes: readonly PublishOutcome[]) {
    const failures = outcomes.filter((outcome) => outcome.status === "failed");
    const [first] = failures;
    super(`${failures.length} of ${outcomes.length} messages not published: ${first?.error.message}`, {
      cause: first?.error,
    });
    this.outcomes = outcomes;
  }
}

export interface Publisher {
  /**
   * Publishes messages to their streams, those of one stream in the given order. Resolves once Redis has them all.
   * Of the messages of one stream that fail, none after the first is published, so that order holds over a retry.
   *
   * @throws PublishError where at least one failed: `InvalidMessageError` for one that does not fit the channel, else
   *   an error of Redis, or of the managed edge's queue, which a retry may cure.
   */
  publish(messages: readonly ChannelMessage[]): Promise<readonly PublishOutcome[]>;
}

type ScriptCommand = (numberOfKeys: number, ...keysAndArguments: (string | number)[]) => Promise<string[]>;

const messageSchema = z.object({
  channel: z.string().refine(isChannel, "there is no channel of that name"),
  key: identifier.optional(),
  data: z.record(z.string(), z.unknown()),
  event: z.string().min(1).max(64).optional(),
  eventId,
  version: z.int().min(0).optional(),
});

function assertKey(channel: Channel, key: string | undefined, data: Record<string, unknown>): void {
  const expected = channelDefinition(channel).key;
  if (expected === "none") {
    if (key !== undefined) throw new InvalidMessageError(`key: channel ${channel} has no key`);
    return;
  }
  if (key === undefined) throw new InvalidMessageError(`key: channel ${channel} needs a ${expected}`);
  if (expected === "marketId" && data.marketId !== key) {
    throw new InvalidMessageError(
      `key: is ${JSON.stringify(key)}, but data.marketId is ${JSON.stringify(data.marketId)}`,
    );
  }
}

/** @throws InvalidMessageError that names the field. */
function prepare(message: ChannelMessage): PreparedMessage {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) throw new InvalidMessageError(describeIssue(parsed.error));
  const { channel, key, event, eventId, version } = parsed.data;
  const definition = channelDefinition(channel);
  const payload = definition.payload.safeParse(parsed.data.data);
  if (!payload.success) throw new InvalidMessageError(`${channel}: data.${describeIssue(payload.error)}`);
  assertKey(channel, key, parsed.data.data);
  if (definition.delivery === "latest" && version === undefined) {
    throw new InvalidMessageError(`version: channel ${channel} delivers the latest value and needs one`);
  }
  const marketId = definition.key === "marketId" ? key : undefined;
  const body = JSON.stringify({ channel, marketId, event, data: payload.data }).slice(0, -1);
  if (Buffer.byteLength(body) > MAXIMUM_BODY_BYTES) {
    throw new InvalidMessageError(`data: larger than ${MAXIMUM_BODY_BYTES} bytes`);
  }
  return { stream: { channel, key }, eventId: encodeURIComponent(eventId), version: version ?? 0, body };
}

const toOutcome = (result: string): PublishOutcome =>
  result === "duplicate" || result === "stale" ? { status: result } : { status: "published", id: result };

const failure = (error: unknown): PublishOutcome => ({
  status: "failed",
  error: error instanceof Error ? error : new Error(String(error)),
});

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

interface StreamResult {
  readonly outcomes: readonly PublishOutcome[];
  readonly hints: readonly QueuedHint[];
}

/** Publishes the messages of one stream, chunk after chunk; stops at the first chunk that fails. */
async function publishStream(
  script: ScriptCommand,
  messages: readonly PreparedMessage[],
  hasEdge: boolean,
): Promise<StreamResult> {
  const outcomes: PublishOutcome[] = [];
  const hints: QueuedHint[] = [];
  for (const chunk of chunks(messages, MAXIMUM_SCRIPT_BATCH)) {
    const [first] = chunk;
    if (!first) break;
    try {
      const answer = await script(...scriptArguments(chunk, first.stream, hasEdge));
      const results = answer.slice(0, chunk.length);
      outcomes.push(...results.map(toOutcome));
      // One more than there are messages: the stream may have listeners on the managed edge.
      const hint = answer.length > chunk.length ? hintAfter(first.stream, results) : undefined;
      if (hint) hints.push(hint);
    } catch (error) {
      return { outcomes: [...outcomes, ...messages.slice(outcomes.length).map(() => failure(error))], hints };
    }
  }
  return { outcomes, hints };
}

/**
 * Tells the managed edge. Where that fails, so does what it should have heard of: the retry finds it published and
 * tells again.
 */
async function tell(handOn: HandOn, results: readonly StreamResult[]): Promise<readonly StreamResult[]> {
  const hints = results.flatMap((result) => result.hints);
  if (hints.length === 0) return results;
  try {
    await handOn(hints);
    return results;
  } catch (error) {
    return results.map((result) =>
      result.hints.length === 0 ? result : { hints: [], outcomes: result.outcomes.map(() => failure(error)) },
    );
  }
}

function defineScript(redis: Redis | Cluster): ScriptCommand {
  redis.defineCommand("publishMessages", { lua: publishScript });
  const commands = redis as unknown as { publishMessages: ScriptCommand };
  if (!redis.isCluster) return (...values) => commands.publishMessages(...values);
  return (...values) =>
    pTimeout(commands.publishMessages(...values), {
      milliseconds: CLUSTER_TIMEOUT_MS,
      message: `the Redis Cluster gave no answer within ${CLUSTER_TIMEOUT_MS} ms`,
    });
}

/** Messages that fit, by stream, each with its place in the batch; the others' failures are put into `outcomes`. */
function groupByStream(messages: readonly ChannelMessage[], outcomes: PublishOutcome[]) {
  const streams = new Map<string, { messages: PreparedMessage[]; indexes: number[] }>();
  for (const [index, message] of messages.entries()) {
    try {
      const prepared = prepare(message);
      const name = streamKey(prepared.stream);
      const stream = streams.get(name) ?? { messages: [], indexes: [] };
      stream.messages.push(prepared);
      stream.indexes.push(index);
      streams.set(name, stream);
    } catch (error) {
      outcomes[index] = failure(error);
    }
  }
  return [...streams.values()];
}

/**
 * Builds the publisher on a connection that the caller owns, best one of `connectPublisher` (it fails fast).
 *
 * @param handOn tells the managed edge of streams that may have listeners there; without it there is no such edge.
 */
export function createPublisher(redis: Redis | Cluster, handOn?: HandOn): Publisher {
  const script = defineScript(redis);
  return {
    async publish(messages) {
      const outcomes = new Array<PublishOutcome>(messages.length);
      const streams = groupByStream(messages, outcomes);
      const publishing = streams.map((stream) => publishStream(script, stream.messages, handOn !== undefined));
      const published = await Promise.all(publishing);
      const results = handOn ? await tell(handOn, published) : published;
      for (const [stream, { indexes }] of streams.entries()) {
        for (const [position, index] of indexes.entries()) {
          const outcome = results[stream]?.outcomes[position];
          outcomes[index] = outcome ?? failure(new Error("Redis gave no answer for the message"));
        }
      }
      if (outcomes.some(({ status }) => status === "failed")) throw new PublishError(outcomes);
      return outcomes;
    },
  };
}
