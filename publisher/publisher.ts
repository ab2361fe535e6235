import type { ChannelUpdate } from "../contract/domain-events.ts";
import type { PublishOutcome } from "../kernel/streams/publisher.ts";

/**
 * Publishes one message or several to their channels, those of one stream in the given order. Resolves once Redis has
 * them all, with an outcome for each in the order of the messages. `duplicate` and `stale` are successes.
 *
 * @throws PublishError where a message could not be published. Let it end the invocation: the event source's retry
 *   publishes again under the same event ids, and what is out already is not sent twice.
 * @throws ConfigurationError where a setting is missing or wrong, and RedisSecretError where the Redis password cannot be
 *   read. The next call tries again.
 */
export type Publish = (messages: ChannelUpdate | readonly ChannelUpdate[]) => Promise<readonly PublishOutcome[]>;

/** Puts messages on the channels. Its functions need no `this`: `createHandler(publisher.publish)` works. */
export interface Publisher {
  readonly publish: Publish;
  /**
   * Reads the Redis password and loads what `publish` needs, ahead of the first message. Optional, and cheap when repeated.
   *
   * @throws ConfigurationError or RedisSecretError, as `publish` does.
   */
  readonly prepare: () => Promise<void>;
  /**
   * Waits for the calls under way, then closes all connections, so that the process can end. Later calls of `publish`
   * reject with PublisherClosedError.
   */
  readonly close: () => Promise<void>;
}

/** The publisher was closed before the call. */
export class PublisherClosedError extends Error {
  override readonly name = "PublisherClosedError";

  constructor() {
    super("the publisher is closed: create a new one, or call close() after the last publish()");
  }
}

/** Returns the messages of a call as a list. */
export const toList = (messages: ChannelUpdate | readonly ChannelUpdate[]): readonly ChannelUpdate[] =>
  isList(messages) ? messages : [messages];

const isList = (messages: ChannelUpdate | readonly ChannelUpdate[]): messages is readonly ChannelUpdate[] =>
  Array.isArray(messages);
