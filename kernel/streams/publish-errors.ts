/** A message is not valid for its channel or stream. Do not publish it again: it fails each time. */
export class InvalidMessageError extends Error {
  override readonly name: string = "InvalidMessageError";
}

/**
 * A version that is a time is too far ahead of Redis's clock: published, it would make every correct one stale until then.
 * Publishing it again succeeds once that time is near: a producer's clock that is minutes ahead costs a retry, one that is
 * further ahead the event.
 */
export class VersionAheadError extends InvalidMessageError {
  override readonly name = "VersionAheadError";
  /** Ahead of Redis's clock, in ms. */
  readonly aheadMs: number;

  constructor(message: string, aheadMs: number) {
    super(message);
    this.aheadMs = aheadMs;
  }
}

/**
 * Changes of a `state` channel do not follow the newest value: there is none, another publisher has published meanwhile, or
 * Redis holds a damaged one. Do not publish them again: publish the whole value.
 */
export class StateBaseError extends InvalidMessageError {
  override readonly name = "StateBaseError";
}

/** This machine's clock is too far from Redis's to find the sets of seen events. Nothing was published. */
export class PublisherClockError extends Error {
  override readonly name = "PublisherClockError";
}

/** Redis is moving the stream's slot, and accepted no write until the publisher's time was up. Publish again. */
export class SlotMigrationError extends Error {
  override readonly name = "SlotMigrationError";
}
