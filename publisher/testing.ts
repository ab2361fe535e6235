import type { ChannelMessage, ChannelUpdate } from "../contract/domain-events.ts";
import { type EventEntry, parseEventEntry } from "../contract/event-entry.ts";
import { prepareMessage } from "../kernel/streams/prepare-message.ts";
import { PublishError } from "../kernel/streams/publish-error.ts";
import { DEFAULT_CLOCK_SKEW_MS } from "../kernel/streams/stream-clock.ts";
import { FakeStreams, type PlannedAnswer } from "./fake-streams.ts";
import { type Publish, type Publisher, PublisherClosedError, toList } from "./publisher.ts";

export type { ChannelMessage } from "../contract/domain-events.ts";
export { InvalidEventError } from "../contract/domain-events.ts";

/**
 * Checks an event as the platform does before it publishes it, for unit tests of teams that put events on the bus. Returns
 * the message that clients get.
 *
 * @throws InvalidEventError that names the field, what is wrong with it, and how to send it; InvalidMessageError for a
 *   message that is too large.
 * @example
 * const { data } = checkEvent({ Source: "vezta.market-data", DetailType: "TradeExecuted", Detail: trade });
 */
export function checkEvent(entry: EventEntry): ChannelMessage {
  const message = parseEventEntry(entry.DetailType, entry);
  prepareMessage(message);
  return message;
}

/** A message that went out, with the id of its entry. */
export type PublishedMessage = ChannelUpdate & { readonly id: string };

export interface FakePublisherOptions {
  /**
   * The clock that ids are made of and versions are compared with, in ms since 1970.
   *
   * @default Date.now
   */
  readonly now?: (() => number) | undefined;
  /** @default 60,000 ms, as the real publisher's */
  readonly maximumClockSkewMs?: number | undefined;
}

/**
 * A publisher for unit tests: no Redis, no environment. It checks messages as the real one does, with the same errors,
 * answers `duplicate` to an event that it has seen, and `stale` to an older state.
 */
export interface FakePublisher extends Publisher {
  /** The messages that went out, oldest first. Those that were refused, stale or duplicates are not among them. */
  readonly published: readonly PublishedMessage[];
  /**
   * Lets the next call fail as it does where Redis does not answer: `publish` rejects with a PublishError whose outcomes
   * have this error. Called several times, it lets as many calls fail.
   *
   * @default an Error that says that Redis gave no answer
   */
  failNext(error?: Error): void;
  /**
   * Answers the messages of the next call with this outcome, whatever was published before.
   *
   * @throws RangeError with that call, where it is `stale` and the channel compares no versions.
   */
  answerNext(status: "duplicate" | "stale"): void;
  /** Forgets what was published, and the answers that were planned. */
  reset(): void;
}

/**
 * Creates a publisher for unit tests.
 *
 * @example
 * const publisher = createFakePublisher();
 * const handler = createHandler(publisher.publish);
 * await handler(event);
 * assert.equal(publisher.published[0]?.channel, "user:notifications");
 */
export function createFakePublisher(options: FakePublisherOptions = {}): FakePublisher {
  const { now = Date.now, maximumClockSkewMs = DEFAULT_CLOCK_SKEW_MS } = options;
  const streams = new FakeStreams();
  const published: PublishedMessage[] = [];
  const planned: PlannedAnswer[] = [];
  let isClosed = false;
  const assertOpen = (): void => {
    if (isClosed) throw new PublisherClosedError();
  };
  const publish: Publish = async (messages) => {
    assertOpen();
    const plan = planned.shift();
    const outcomes = toList(messages).map((message) => {
      const outcome = streams.publish(message, { now: now(), maximumClockSkewMs }, plan);
      if (outcome.status === "published") published.push({ ...message, id: outcome.id });
      return outcome;
    });
    if (outcomes.some(({ status }) => status === "failed")) throw new PublishError(outcomes);
    return outcomes;
  };
  return {
    publish,
    published,
    prepare: async () => assertOpen(),
    close: async () => {
      isClosed = true;
    },
    failNext: (error = new Error("Redis gave no answer (planned by a test)")) => void planned.push(error),
    answerNext: (status) => void planned.push(status),
    reset: () => {
      streams.clear();
      published.length = 0;
      planned.length = 0;
    },
  };
}
