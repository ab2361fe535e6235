import { channelDefinition } from "../contract/channels.ts";
import type { ChannelUpdate } from "../contract/domain-events.ts";
import { asError } from "../kernel/as-error.ts";
import type { PreparedHeader, PreparedMessage, PreparedState } from "../kernel/streams/prepare-message.ts";
import { prepareMessage } from "../kernel/streams/prepare-message.ts";
import { type PublishOutcome, toOutcome } from "../kernel/streams/publish-outcome.ts";
import { streamKey } from "../kernel/streams/redis-keys.ts";
import { type FakeClock, FakeStream } from "./fake-stream.ts";

/** Answer that a test plans for a message: an error fails it. */
export type PlannedAnswer = "duplicate" | "stale" | Error;

/** All streams in memory. */
export class FakeStreams {
  readonly #streams = new Map<string, FakeStream>();

  /** Publishes one message. Returns its outcome, `failed` where it does not fit its channel. */
  publish(message: ChannelUpdate, clock: FakeClock, plan: PlannedAnswer | undefined): PublishOutcome {
    const prepared = prepare(message);
    if (prepared instanceof Error) return { status: "failed", error: prepared };
    if (plan instanceof Error) return { status: "failed", error: plan };
    const result = this.#answer(prepared, clock, plan);
    return toOutcome(result, prepared, { ...clock, publisherNow: clock.now });
  }

  clear(): void {
    this.#streams.clear();
  }

  #answer(message: PreparedMessage | PreparedState, clock: FakeClock, plan: "duplicate" | "stale" | undefined): string {
    if (plan === "duplicate") return plan;
    const name = streamKey(message.stream);
    const stream = this.#streams.get(name) ?? new FakeStream(message.stream.channel);
    this.#streams.set(name, stream);
    if (plan === undefined) return stream.add(message, clock);
    assertComparesVersions(message);
    return stream.refuseAsStale(message, clock);
  }
}

/** Prepares a message as the real publisher does. Returns the error where it does not fit its channel. */
function prepare(message: ChannelUpdate): PreparedMessage | PreparedState | Error {
  try {
    return prepareMessage(message);
  } catch (error) {
    return asError(error);
  }
}

function assertComparesVersions({ stream: { channel } }: PreparedHeader): void {
  if (channelDefinition(channel).stateOf !== "nothing") return;
  throw new RangeError(`the real publisher never answers stale on ${channel}, where each message stands for itself`);
}
