import { ChannelError } from "../../contract/errors.ts";
import type { UnsubscribedMessage, UnsubscribeRequest } from "../../contract/messages.ts";

/**
 * Returns the error that a client gets for whatever its request failed with: a ChannelError as it is, and `internal` for
 * any other, which may hold what a client must not see.
 */
export const toRefusal = (error: unknown, message = "the request failed"): ChannelError =>
  error instanceof ChannelError ? error : new ChannelError("internal", message);

/** The answer to an `unsubscribe`, with the markets as the request named them. */
export const describeUnsubscribed = ({ channel, marketId }: UnsubscribeRequest): UnsubscribedMessage => ({
  channel,
  marketId,
});
