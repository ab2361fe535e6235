import type { Cluster, Redis } from "ioredis";
import pTimeout from "p-timeout";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import type { Stream } from "../../contract/stream.ts";
import type { Suspicion } from "../../contract/suspicions.ts";
import { asError } from "../as-error.ts";
import { chunks } from "../chunks.ts";
import { type EnqueueHints, hintAfter, type QueuedHint } from "./edge-hint.ts";
import { prepareMessage } from "./prepare-message.ts";
import { PublishError } from "./publish-error.ts";
import { describeStream, type PublishOutcome, type StaleOutcome, toOutcome } from "./publish-outcome.ts";
import { publishScript } from "./publish-script.ts";
import { streamKey } from "./redis-keys.ts";
import { type PreparedMessage, type ScriptSettings, scriptArguments } from "./script-arguments.ts";
import { callUntil, type Deadline, PUBLISH_TIMEOUT_MS, startDeadline } from "./script-call.ts";
import { DEFAULT_CLOCK_SKEW_MS } from "./stream-clock.ts";

export { MAXIMUM_BODY_BYTES } from "./prepare-message.ts";
export { PublishError } from "./publish-error.ts";
export { InvalidMessageError } from "./publish-errors.ts";
export type { PublishOutcome } from "./publish-outcome.ts";

/** Longest wait for the managed edge's queue, in ms; longer than the queue's own client waits. */
const ENQUEUE_TIMEOUT_MS = 5_000;

/** Most messages in one call of the script: some 20 µs each, so that no other command waits for more than about 2 ms. */
const MAXIMUM_SCRIPT_BATCH = 100;

/** A message that was not published, because a newer state is out already. */
export interface StaleMessage extends StaleOutcome {
  readonly stream: Stream;
  /** The entity that it is the state of, where a stream has many of them: an order's id. */
  readonly entity?: string | undefined;
}

/** Gets the outcomes that a caller of `publish()` need not act on, for logs and metrics. Must not throw. */
export interface PublishListener {
  /** Called for each stale message. */
  stale?(message: StaleMessage): void;
  /** Called for each published message whose data is suspicious. */
  suspicious?(stream: Stream, suspicions: readonly Suspicion[]): void;
  /** Called when a stream was started anew, because its newest id (or version) was too far ahead of Redis's clock. */
  reset?(stream: Stream, reason: string): void;
}

export interface PublisherOptions {
  /**
   * Puts hints into the managed edge's queue, for streams that may have subscribers there.
   *
   * @default - there is no managed edge
   */
  readonly enqueueHints?: EnqueueHints | undefined;
  /** @default - none */
  readonly listener?: PublishListener | undefined;
  /**
   * Most that a version that is a time may be ahead of Redis's clock. The same for all publishers of a stream.
   *
   * @default 60,000 ms
   */
  readonly maximumClockSkewMs?: number | undefined;
}

export interface Publisher {
  /**
   * Publishes messages to their streams, those of one stream in the given order. Resolves once Redis has all of them.
   * Where Redis fails, no later message of the stream is published, so that a retry keeps the order. A message that is
   * not valid holds up no other.
   *
   * @throws PublishError where at least one failed: `InvalidMessageError` for one that is not valid for its channel, else
   *   an error of Redis or of the managed edge's queue, after which a retry may succeed.
   */
  publish(messages: readonly ChannelMessage[]): Promise<readonly PublishOutcome[]>;
}

type ScriptCommand = (numberOfKeys: number, ...keysAndArguments: (string | number)[]) => Promise<string[]>;

const failure = (error: unknown): PublishOutcome => ({ status: "failed", error: asError(error) });

interface StreamResult {
  readonly outcomes: readonly PublishOutcome[];
  readonly hints: readonly QueuedHint[];
}

function defineScript(redis: Redis | Cluster): ScriptCommand {
  redis.defineCommand("publishMessages", { lua: publishScript });
  const commands = redis as unknown as { publishMessages: ScriptCommand };
  return (...values) => commands.publishMessages(...values);
}

/** Publishes the messages of one stream, in calls of the script one after the other. */
class StreamPublishing {
  readonly #script: ScriptCommand;
  readonly #settings: ScriptSettings;
  readonly #listener: PublishListener | undefined;
  readonly #deadline: Deadline;

  constructor(script: ScriptCommand, settings: ScriptSettings, listener: PublishListener | undefined) {
    this.#script = script;
    this.#settings = settings;
    this.#listener = listener;
    this.#deadline = startDeadline(PUBLISH_TIMEOUT_MS);
  }

  /** Resolves with the outcomes of all messages; stops at the first call that fails. Never rejects. */
  async publish(messages: readonly PreparedMessage[]): Promise<StreamResult> {
    const outcomes: PublishOutcome[] = [];
    const hints: QueuedHint[] = [];
    try {
      for (const chunk of chunks(messages, MAXIMUM_SCRIPT_BATCH)) {
        const [first] = chunk;
        if (!first) break;
        const result = await this.#publishChunk(chunk, first.stream);
        outcomes.push(...result.outcomes);
        hints.push(...result.hints);
      }
      return { outcomes, hints };
    } catch (error) {
      return { outcomes: [...outcomes, ...messages.slice(outcomes.length).map(() => failure(error))], hints };
    }
  }

  async #publishChunk(chunk: readonly PreparedMessage[], stream: Stream): Promise<StreamResult> {
    const publisherNow = Date.now();
    const call = () => this.#script(...scriptArguments(chunk, stream, this.#settings));
    const answer = await callUntil(call, describeStream(stream), this.#deadline);
    const [marker, reset] = answer.slice(chunk.length);
    const context = { publisherNow, maximumClockSkewMs: this.#settings.maximumClockSkewMs };
    const outcomes = chunk.map((message, index): PublishOutcome => {
      const outcome = toOutcome(answer[index] ?? "", message, context);
      if (outcome.status === "stale") {
        this.#listener?.stale?.({ ...outcome, stream, entity: message.entity || undefined });
      }
      if (outcome.status === "published" && message.suspicions.length > 0) {
        this.#listener?.suspicious?.(stream, message.suspicions);
      }
      return outcome;
    });
    if (reset) this.#listener?.reset?.(stream, reset);
    const hint = marker ? hintAfter(stream, outcomes) : undefined;
    return { outcomes, hints: hint ? [hint] : [] };
  }
}

/**
 * Enqueues the hints of what was published. Where that fails, the messages concerned count as failed: the retry finds them
 * published, and enqueues the hints again.
 */
async function notifyManagedEdge(
  enqueueHints: EnqueueHints,
  results: readonly StreamResult[],
): Promise<readonly StreamResult[]> {
  const hints = results.flatMap((result) => result.hints);
  if (hints.length === 0) return results;
  try {
    const message = `the managed edge's queue gave no answer within ${ENQUEUE_TIMEOUT_MS} ms`;
    await pTimeout(enqueueHints(hints), { milliseconds: ENQUEUE_TIMEOUT_MS, message });
    return results;
  } catch (error) {
    return results.map((result) =>
      result.hints.length === 0 ? result : { hints: [], outcomes: result.outcomes.map(() => failure(error)) },
    );
  }
}

/** Groups the valid messages by stream, each with its index in the batch; adds the failures of the others to `outcomes`. */
function groupByStream(messages: readonly ChannelMessage[], outcomes: PublishOutcome[]) {
  const streams = new Map<string, { messages: PreparedMessage[]; indexes: number[] }>();
  for (const [index, message] of messages.entries()) {
    try {
      const prepared = prepareMessage(message);
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

/** Builds the publisher on a connection that the caller owns: use `connectPublisher`, whose commands fail fast. */
export function createPublisher(redis: Redis | Cluster, options: PublisherOptions = {}): Publisher {
  const { enqueueHints, listener, maximumClockSkewMs = DEFAULT_CLOCK_SKEW_MS } = options;
  const script = defineScript(redis);
  const settings = { hasEdge: enqueueHints !== undefined, maximumClockSkewMs };
  return {
    async publish(messages) {
      const outcomes = new Array<PublishOutcome>(messages.length);
      const streams = groupByStream(messages, outcomes);
      const publishing = new StreamPublishing(script, settings, listener);
      const published = await Promise.all(streams.map((stream) => publishing.publish(stream.messages)));
      const results = enqueueHints ? await notifyManagedEdge(enqueueHints, published) : published;
      for (const [stream, { indexes }] of streams.entries()) {
        for (const [position, index] of indexes.entries()) {
          const outcome = results[stream]?.outcomes[position];
          outcomes[index] = outcome ?? failure(new Error("no answer from Redis for the message"));
        }
      }
      if (outcomes.some(({ status }) => status === "failed")) throw new PublishError(outcomes);
      return outcomes;
    },
  };
}
