import type { ChannelMessage } from "../../contract/domain-events.ts";
import type { PublishOutcome } from "../../kernel/streams/publisher.ts";
import { preciseNow, type TracedSpan, type Tracer } from "../../kernel/tracing/tracer.ts";
import type { Publish } from "./logged-publish.ts";

/** A message, and when its event occurred and came here, in ms since 1970. */
export interface ReceivedMessage {
  readonly message: ChannelMessage;
  readonly occurredMs: number;
  readonly receivedMs: number;
}

export type PublishReceived = (received: readonly ReceivedMessage[]) => Promise<readonly PublishOutcome[]>;

/** Records the way of one message up to Redis. */
class MessageTrace {
  readonly message: ChannelMessage;
  readonly traceparent: string | undefined;
  readonly #tracer: Tracer;
  readonly #received: ReceivedMessage;
  readonly #end: (endMs: number) => void;

  constructor(tracer: Tracer, received: ReceivedMessage) {
    const { message, occurredMs, receivedMs } = received;
    this.#tracer = tracer;
    this.#received = received;
    // EventBridge gives the second, and the source's clock may be ahead of this one.
    const startMs = Math.min(occurredMs, receivedMs);
    const started =
      message.traceparent === undefined
        ? tracer.start({ name: "event", startMs, attributes: attributesOf(message) })
        : undefined;
    this.traceparent = message.traceparent ?? started?.traceparent;
    this.message = this.traceparent === undefined ? message : { ...message, traceparent: this.traceparent };
    this.#end = (endMs) => started?.end(endMs);
  }

  /** Records the parts, once Redis has answered. */
  finish(calledMs: number, outcome: PublishOutcome | undefined): void {
    if (this.traceparent === undefined) return;
    const answeredMs = preciseNow();
    const { occurredMs, receivedMs } = this.#received;
    const attributes: Record<string, string> = {
      ...attributesOf(this.message),
      "vezta.outcome": outcome?.status ?? "failed",
    };
    if (outcome?.status === "published") attributes["vezta.id"] = outcome.id;
    const record = (span: TracedSpan): void => this.#tracer.record(this.traceparent ?? "", { ...span, attributes });
    record({ name: "event delivery", startMs: Math.min(occurredMs, receivedMs), endMs: receivedMs });
    record({ name: "publisher function", startMs: receivedMs, endMs: calledMs });
    record({ name: "redis publish", startMs: calledMs, endMs: answeredMs });
    this.#end(answeredMs);
  }
}

/** Never the user of a private stream. */
const attributesOf = ({ channel, data }: ChannelMessage): Readonly<Record<string, string>> => ({
  "vezta.channel": channel,
  ...("marketId" in data && channel.startsWith("market:") ? { "vezta.market": data.marketId } : {}),
});

/** Publishes messages, and records what the sampled ones waited for. Without a tracer nothing else is done. */
export function tracedPublish(tracer: Tracer | undefined, publish: Publish): PublishReceived {
  if (!tracer) return (received) => publish(received.map(({ message }) => message));
  return async (received) => {
    const traces = received.map((each) => new MessageTrace(tracer, each));
    const calledMs = preciseNow();
    let outcomes: readonly PublishOutcome[] = [];
    try {
      outcomes = await publish(traces.map(({ message }) => message));
      return outcomes;
    } finally {
      for (const [index, trace] of traces.entries()) trace.finish(calledMs, outcomes[index]);
      // Lambda freezes the process after the answer.
      if (traces.some(({ traceparent }) => traceparent !== undefined)) await tracer.flush();
    }
  };
}
