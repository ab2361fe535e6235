import { ChannelError } from "../../contract/errors.ts";
import type { SubscribeRequest } from "../../contract/messages.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import { authorizedTopics } from "../auth/access.ts";
import type { Identity } from "../auth/token-verifier.ts";

/** The connection that a `subscribe` comes from. */
export interface Subscriber {
  /** Undefined on an anonymous connection. */
  readonly identity: Identity | undefined;
  /** The connection's subscriptions by room. */
  readonly subscriptions: Pick<ReadonlyMap<string, unknown>, "has" | "size">;
  /** Most subscriptions (streams and whole channels) that the connection may have. */
  readonly maximumSubscriptions: number;
}

/** The topics that a `subscribe` asks for. */
export interface SubscribePlan {
  /** All topics of the request, in its order. */
  readonly topics: readonly Topic[];
  /** Those of them that the connection is not subscribed to yet. */
  readonly fresh: readonly Topic[];
}

/**
 * Returns the topics that a `subscribe` asks for, checked against the connection's token and its limit of subscriptions.
 *
 * @throws ChannelError `unauthorized` or `limit_exceeded`.
 */
export function planSubscribe(
  request: SubscribeRequest,
  { identity, subscriptions, maximumSubscriptions }: Subscriber,
): SubscribePlan {
  const topics = authorizedTopics(request, identity);
  const fresh = topics.filter((topic) => !subscriptions.has(roomName(topic)));
  if (subscriptions.size + fresh.length > maximumSubscriptions) {
    throw new ChannelError("limit_exceeded", `a connection may have ${maximumSubscriptions} subscriptions`);
  }
  return { topics, fresh };
}

/** Returns the id that a `subscribe` resumes a stream after; undefined where it asks for the snapshot. */
export function lastIdFor({ lastId }: SubscribeRequest, { key }: Stream): string | undefined {
  if (lastId === undefined || typeof lastId === "string") return lastId;
  return key === undefined ? undefined : lastId.get(key);
}
