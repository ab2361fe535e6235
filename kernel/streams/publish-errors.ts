/** A message that does not fit its channel or its stream; publishing it again cannot help. */
export class InvalidMessageError extends Error {
  override readonly name: string = "InvalidMessageError";
}

/**
 * A version that is a time lies too far ahead of Redis's clock: it would block every right one until then. Publishing it
 * again helps once that time is near, so a producer's clock that is minutes ahead costs a retry, and one that is further
 * ahead the event.
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

/** This machine's clock is too far from Redis's to know where seen events are remembered. Nothing was published. */
export class PublisherClockError extends Error {
  override readonly name = "PublisherClockError";
}

/** The slot of a stream is being moved, and Redis took no write until the publisher's time was up. A retry may help. */
export class SlotMigrationError extends Error {
  override readonly name = "SlotMigrationError";
}
