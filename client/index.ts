export type { Channel, Payload } from "../contract/channels.ts";
export { ChannelError, type ErrorCode } from "../contract/errors.ts";
export type { Depth } from "../contract/limits.ts";
export { type MessagesOptions, RealtimeClient } from "./core/client.ts";
export { ConnectionError, type ConnectionFailure } from "./core/connection/connection-error.ts";
export type { BackoffOptions } from "./core/timing/backoff.ts";
export type {
  ClientStatistics,
  ConnectionStatus,
  Edge,
  Gap,
  Message,
  MessageData,
  RealtimeClientOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionStatus,
  Token,
} from "./core/types.ts";
