import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import type { UnsubscribeRequest } from "../../contract/messages.ts";
import type { Topic } from "../../contract/stream.ts";
import type { Identity } from "./token-verifier.ts";

/** Returns true for a channel of one user's messages, which needs a token. */
export const isPrivate = (channel: Channel): boolean => channelDefinition(channel).access === "private";

/**
 * Returns the topics that a request names. The user of a private channel comes from the verified token alone, never from
 * the request.
 *
 * @throws ChannelError `unauthorized` for a private channel of an anonymous connection.
 */
export function authorizedTopics({ channel, keys }: UnsubscribeRequest, identity: Identity | undefined): Topic[] {
  if (!isPrivate(channel)) return keys ? keys.map((key) => ({ channel, key })) : [{ channel }];
  if (!identity) throw new ChannelError("unauthorized", `channel ${channel} needs a valid token`);
  return [{ channel, key: identity.sub }];
}
