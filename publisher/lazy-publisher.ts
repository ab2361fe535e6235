import type { ChannelUpdate } from "../contract/domain-events.ts";
import type { PublishOutcome } from "../kernel/streams/publisher.ts";
import { type Publish, type Publisher, PublisherClosedError, toList } from "./publisher.ts";

/** A publisher that has its password and its connections. */
export interface StartedPublisher {
  publish(messages: readonly ChannelUpdate[]): Promise<readonly PublishOutcome[]>;
  /** Writes the metrics of the calls so far. Returns undefined where there are none, so that most calls need not wait. */
  flushMetrics(): Promise<void> | undefined;
  close(): void;
}

/** Starts a publisher with its first call. A start that fails is tried again with the next call. */
export class LazyPublisher implements Publisher {
  readonly #start: () => Promise<StartedPublisher>;
  #started: Promise<StartedPublisher> | undefined;
  #closing: Promise<void> | undefined;
  #callsUnderWay = 0;
  #onIdle: (() => void) | undefined;

  constructor(start: () => Promise<StartedPublisher>) {
    this.#start = start;
  }

  // Arrow functions, since callers pass them on without the object.
  readonly publish: Publish = async (messages) => {
    this.#begin();
    let publisher: StartedPublisher | undefined;
    try {
      publisher = await this.#startOnce();
      return await publisher.publish(toList(messages));
    } finally {
      const written = publisher?.flushMetrics();
      if (written) await written;
      this.#finish();
    }
  };

  readonly prepare = async (): Promise<void> => {
    this.#begin();
    await this.#startOnce().finally(() => this.#finish());
  };

  readonly close = (): Promise<void> => {
    this.#closing ??= this.#end();
    return this.#closing;
  };

  /** Calls that come while it starts share the start, and its failure. */
  #startOnce(): Promise<StartedPublisher> {
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  #begin(): void {
    if (this.#closing) throw new PublisherClosedError();
    this.#callsUnderWay += 1;
  }

  #finish(): void {
    this.#callsUnderWay -= 1;
    if (this.#callsUnderWay === 0) this.#onIdle?.();
  }

  async #end(): Promise<void> {
    if (this.#callsUnderWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    (await this.#started)?.close();
  }
}
