import { Duration } from "aws-cdk-lib";
import { type Channel, channelDefinition } from "../../../contract/channels.ts";

/** The longest that EventBridge is given to reach the function: what takes longer is a matter for a person. */
const DELIVERY_MAXIMUM_SECONDS = 21_600;

/** The longest that Lambda keeps an event before the retry queue has it; Lambda itself tries three times in as many minutes. */
const INVOCATION_MAXIMUM_SECONDS = 900;

/** The time between two attempts of the retry queue: six times the function's timeout, as AWS asks for. */
export const RETRY_INTERVAL = Duration.seconds(90);

/** The most that SQS counts. */
const MAXIMUM_RECEIVES = 1_000;

/** The age up to which a stream's record is retried. */
export const STREAM_RECORD_AGE = Duration.seconds(60);

/** How long, and how often, an event is retried. */
export interface RetryWindow {
  /** How long EventBridge tries to hand an event to the function. */
  readonly delivery: Duration;
  /** How long Lambda keeps the event for its own attempts. */
  readonly invocation: Duration;
  /** The attempts of the retry queue after these, {@link RETRY_INTERVAL} apart. */
  readonly retries: number;
}

/**
 * Divides the time for which channels remember event ids: all retries together last nearly as long, and never longer, since
 * a retry after that would publish the event a second time.
 */
export function retryWindow(channels: readonly Channel[]): RetryWindow {
  const windows = channels.map((channel) => channelDefinition(channel).dedupeSeconds).filter((seconds) => seconds > 0);
  const window = Math.min(...windows);
  const quarter = Math.floor(window / 4);
  const delivery = Math.max(60, Math.min(quarter, DELIVERY_MAXIMUM_SECONDS));
  const invocation = Math.max(60, Math.min(quarter, INVOCATION_MAXIMUM_SECONDS));
  // One interval is left for the attempts themselves.
  const intervals = Math.floor((window - delivery - invocation) / RETRY_INTERVAL.toSeconds()) - 1;
  const retries = Math.max(1, Math.min(intervals, MAXIMUM_RECEIVES));
  return { delivery: Duration.seconds(delivery), invocation: Duration.seconds(invocation), retries };
}
