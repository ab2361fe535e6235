/**
 * The package `@vezta/realtime-publisher`: puts messages on the channels, from a Lambda function of any team
 * (`publish()`) or from a service (`createPublisher()`). It imports contract/ and kernel/. Its parts: publish.ts and
 * create-publisher.ts are the two ways in, lazy-publisher.ts starts and closes, testing.ts is for other teams' unit tests.
 */
export type { Channel, Payload } from "../contract/channels.ts";
export type { ChangesOf, ChannelMessage, ChannelUpdate, MessageOf } from "../contract/domain-events.ts";
export { ConfigurationError } from "../kernel/env.ts";
export { EdgeQueueError } from "../kernel/managed-edge/edge-queue.ts";
export { RedisSecretError } from "../kernel/redis/redis-secret.ts";
export { PublishError } from "../kernel/streams/publish-error.ts";
export {
  InvalidMessageError,
  PublisherClockError,
  SlotMigrationError,
  StateBaseError,
  VersionAheadError,
} from "../kernel/streams/publish-errors.ts";
export type { PublishOutcome, StaleOutcome } from "../kernel/streams/publish-outcome.ts";
export { createPublisher } from "./create-publisher.ts";
export { withFailureQueue } from "./failure-queue.ts";
export type { PublisherLogger } from "./logger.ts";
export { preparePublish, publish } from "./publish.ts";
export { type Publish, type Publisher, PublisherClosedError } from "./publisher.ts";
export type { PublisherOptions, RedisConnectionOptions } from "./publisher-options.ts";
