import { Duration } from "aws-cdk-lib";
import { type Channel, channelDefinition } from "../../../contract/channels.ts";

/** Longest that Lambda keeps an event for another try. */
const LAMBDA_MAXIMUM_SECONDS = 21_600;

/** Oldest record of a stream that is still tried. */
export const STREAM_RECORD_AGE = Duration.seconds(60);

/**
 * How long delivery may be tried, and after it the function run, for an event of these channels. Both one after the
 * other stay within the time for which the channels remember an event, or a late retry would be published twice.
 */
export function maximumEventAge(channels: readonly Channel[]): Duration {
  const windows = channels.map((channel) => channelDefinition(channel).dedupeSeconds).filter((seconds) => seconds > 0);
  // A third, not half: the time in which a try runs comes on top.
  const third = Math.floor(Math.min(...windows) / 3);
  return Duration.seconds(Math.max(60, Math.min(third, LAMBDA_MAXIMUM_SECONDS)));
}
