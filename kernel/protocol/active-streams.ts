import { type Channel, channelDefinition } from "../../contract/channels.ts";

/**
 * Returns since when, in ms since 1970, a stream of the channel must have been published to for Redis to hold it still:
 * the streams of a whole channel are those that had an entry since.
 *
 * @param now by Redis's clock, in ms since 1970.
 */
export const activeSince = (channel: Channel, now: number): number =>
  Math.max(0, now - channelDefinition(channel).history.seconds * 1_000);
