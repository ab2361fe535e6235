import { Duration } from "aws-cdk-lib";
import { type Channel, channelDefinition } from "../../../contract/channels.ts";

/** The longest that Lambda keeps an event for another attempt. */
const LAMBDA_MAXIMUM_SECONDS = 21_600;

/** The age up to which a stream's record is retried. */
export const STREAM_RECORD_AGE = Duration.seconds(60);

/**
 * Returns how long delivery of an event to the function may be retried, and after it the invocation. Both together end
 * within the channels' dedupe windows: a retry after that would publish the event a second time.
 */
export function maximumEventAge(channels: readonly Channel[]): Duration {
  const windows = channels.map((channel) => channelDefinition(channel).dedupeSeconds).filter((seconds) => seconds > 0);
  // A third, not half: the time of the last attempt itself comes on top.
  const third = Math.floor(Math.min(...windows) / 3);
  return Duration.seconds(Math.max(60, Math.min(third, LAMBDA_MAXIMUM_SECONDS)));
}
