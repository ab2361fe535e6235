import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import type { UnsubscribeRequest } from "../../contract/messages.ts";
import type { Stream } from "../../contract/stream.ts";
import type { Identity } from "./token-verifier.ts";

export const isPrivate = (channel: Channel): boolean => channelDefinition(channel).access === "private";

/**
 * The streams (or the whole channel: a stream without key) that a request is about. The user comes from the verified
 * token alone: no word of a client names whose stream it gets.
 *
 * @throws ChannelError `unauthorized` for a private channel without identity.
 */
export function streamsOf({ channel, keys }: UnsubscribeRequest, identity: Identity | undefined): Stream[] {
  if (!isPrivate(channel)) return keys ? keys.map((key) => ({ channel, key })) : [{ channel }];
  if (!identity) throw new ChannelError("unauthorized", `channel ${channel} needs a valid token`);
  return [{ channel, key: identity.sub }];
}
