import type { Cluster, Redis } from "ioredis";
import pTimeout from "p-timeout";
import type { ChannelUpdate } from "../../contract/domain-events.ts";
import type { Stream } from "../../contract/stream.ts";
import type { Suspicion } from "../../contract/suspicions.ts";
import { asError } from "../as-error.ts";
import { chunks } from "../chunks.ts";
import { type EnqueueHints, hintAfter, type QueuedHint } from "./edge-hint.ts";
import {
  type KnownValue,
  type PreparedHeader,
  type PreparedMessage,
  type PreparedState,
  prepareMessage,
} from "./prepare-message.ts";
import { PublishError } from "./publish-error.ts";
import { describeStream, type PublishOutcome, type StaleOutcome, toOutcome } from "./publish-outcome.ts";
import { PublishedStates } from "./published-states.ts";
import { streamKey } from "./redis-keys.ts";
import { broadcastArguments, type ScriptSettings, scriptArguments, stateScriptArguments } from "./script-arguments.ts";
import { callUntil, type Deadline, PUBLISH_TIMEOUT_MS, startDeadline } from "./script-call.ts";
import { defineScripts, type Scripts } from "./scripts.ts";
import { publishState } from "./state-publishing.ts";
import { DEFAULT_CLOCK_SKEW_MS } from "./stream-clock.ts";
import { StreamTurns } from "./stream-turns.ts";

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
  publish(messages: readonly ChannelUpdate[]): Promise<readonly PublishOutcome[]>;
}

const failure = (error: unknown): PublishOutcome => ({ status: "failed", error: asError(error) });

interface StreamResult {
  readonly outcomes: readonly PublishOutcome[];
  readonly hints: readonly QueuedHint[];
}

/** What all calls of one publisher share. */
interface PublishingContext {
  readonly scripts: Scripts;
  readonly settings: ScriptSettings;
  readonly states: PublishedStates;
  /** Of the streams of state channels. */
  readonly turns: StreamTurns;
  readonly listener: PublishListener | undefined;
}

/** Messages of one stream that are published in one step. */
type Step =
  | { readonly kind: "messages"; readonly messages: readonly PreparedMessage[] }
  | { readonly kind: "state"; readonly messages: readonly [PreparedState] };

const isState = (message: PreparedMessage | PreparedState): message is PreparedState => "content" in message;

/** All messages of a stream are of one channel, and so either all states or none. */
function stepsOf(messages: readonly (PreparedMessage | PreparedState)[]): Step[] {
  const states = messages.filter(isState);
  if (states.length > 0) return states.map((message) => ({ kind: "state", messages: [message] }));
  const others = messages.filter((message): message is PreparedMessage => !isState(message));
  return Array.from(chunks(others, MAXIMUM_SCRIPT_BATCH), (chunk) => ({ kind: "messages", messages: chunk }));
}

/** Publishes the messages of one stream, in calls of the script one after the other. */
class StreamPublishing {
  readonly #context: PublishingContext;
  readonly #deadline: Deadline;

  constructor(context: PublishingContext) {
    this.#context = context;
    this.#deadline = startDeadline(PUBLISH_TIMEOUT_MS);
  }

  /** Resolves with the outcomes of all messages; stops at the first call that fails. Never rejects. */
  publish(messages: readonly (PreparedMessage | PreparedState)[]): Promise<StreamResult> {
    const [first] = messages;
    if (!first || !isState(first)) return this.#publishSteps(messages);
    // Two at once would both be compared with the same value: one of them would have to read Redis, and be compared again.
    return this.#context.turns.run(streamKey(first.stream), () => this.#publishSteps(messages));
  }

  async #publishSteps(messages: readonly (PreparedMessage | PreparedState)[]): Promise<StreamResult> {
    const outcomes: PublishOutcome[] = [];
    const hints: QueuedHint[] = [];
    try {
      for (const step of stepsOf(messages)) {
        const result = await this.#publishStep(step);
        outcomes.push(...result.outcomes);
        hints.push(...result.hints);
      }
      return { outcomes, hints };
    } catch (error) {
      return { outcomes: [...outcomes, ...messages.slice(outcomes.length).map(() => failure(error))], hints };
    }
  }

  async #publishStep(step: Step): Promise<StreamResult> {
    const publisherNow = Date.now();
    const { settings, listener } = this.#context;
    const { messages } = step;
    const [{ stream }] = messages as readonly [PreparedHeader];
    const answer = await this.#call(step, stream);
    const [marker, reset] = answer.slice(messages.length);
    const context = { publisherNow, maximumClockSkewMs: settings.maximumClockSkewMs };
    const outcomes = messages.map((message, index): PublishOutcome => {
      const outcome = toOutcome(answer[index] ?? "", message, context);
      if (outcome.status === "stale") listener?.stale?.({ ...outcome, stream, entity: message.entity || undefined });
      if (outcome.status === "published" && message.suspicions.length > 0) {
        listener?.suspicious?.(stream, message.suspicions);
      }
      return outcome;
    });
    if (reset) listener?.reset?.(stream, reset);
    const hint = marker ? hintAfter(stream, outcomes) : undefined;
    return { outcomes, hints: hint ? [hint] : [] };
  }

  #call(step: Step, stream: Stream): Promise<string[]> {
    const { scripts, settings, states } = this.#context;
    const until = <T>(call: () => Promise<T>) => callUntil(call, describeStream(stream), this.#deadline);
    if (step.kind === "messages") {
      return until(() => scripts.publishMessages(...scriptArguments(step.messages, stream, settings)));
    }
    const [message] = step.messages;
    return publishState(message, {
      redis: scripts.redis,
      states,
      call: (update) => until(() => scripts.publishState(...stateScriptArguments(message, update, settings))),
      broadcast: (whole) => until(() => scripts.broadcastWhole(...broadcastArguments(message, whole))),
    });
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
function groupByStream(messages: readonly ChannelUpdate[], outcomes: PublishOutcome[], known: KnownValue) {
  const streams = new Map<string, { messages: (PreparedMessage | PreparedState)[]; indexes: number[] }>();
  for (const [index, message] of messages.entries()) {
    try {
      const prepared = prepareMessage(message, known);
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
  const settings = { hasEdge: enqueueHints !== undefined, maximumClockSkewMs };
  const states = new PublishedStates();
  const context = { scripts: defineScripts(redis), settings, states, turns: new StreamTurns(), listener };
  const known: KnownValue = (stream) => states.get(streamKey(stream))?.value;
  return {
    async publish(messages) {
      const outcomes = new Array<PublishOutcome>(messages.length);
      const streams = groupByStream(messages, outcomes, known);
      const publishing = new StreamPublishing(context);
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
