import type { Cluster, Redis } from "ioredis";
import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import { CONTROL_STREAM } from "./control-keys.ts";
import { type ControlMessage, type IgnoredControl, parseControlMessage } from "./control-message.ts";

const INTERVAL_MS = 500;
const PAGE = 500;

/** Ids of handled messages that are remembered, for a stream that a failover set back. */
const REMEMBERED = 10_000;

export interface FollowControlOptions {
  readonly redis: Redis | Cluster;
  /** Called with each message that was published after the start, once. */
  readonly onMessage: (message: ControlMessage) => void;
  readonly onIgnored: (reason: IgnoredControl) => void;
  /** Called with each failed read; the next one goes on from the same message. */
  readonly onError: (error: unknown) => void;
}

type Item = readonly [id: string, fields: readonly string[]];

/** Reads the control stream from where it is now. */
class ControlReader {
  readonly #options: FollowControlOptions;
  readonly #handled = new Set<string>();
  #startId: string | undefined;
  #lastId = FIRST_ID;

  constructor(options: FollowControlOptions) {
    this.#options = options;
  }

  /** Handles what was published since the last read. */
  async read(): Promise<void> {
    const { redis } = this.#options;
    if (this.#startId === undefined) {
      this.#startId = await this.#newestId();
      this.#lastId = this.#startId;
      return;
    }
    const items = await redis.xrange(CONTROL_STREAM, `(${this.#lastId}`, "+", "COUNT", PAGE);
    const [first] = items;
    const continues = first ? first[1][3] === this.#lastId : (await this.#newestId()) === this.#lastId;
    // A failover lost our last message, or it was trimmed: what followed may have a lower id.
    if (continues) this.#take(items);
    else await this.#readAll();
  }

  async #newestId(): Promise<string> {
    const [newest] = await this.#options.redis.xrevrange(CONTROL_STREAM, "+", "-", "COUNT", 1);
    return newest?.[0] ?? FIRST_ID;
  }

  async #readAll(): Promise<void> {
    const start = this.#startId ?? FIRST_ID;
    this.#lastId = FIRST_ID;
    let page: Item[];
    do {
      page = await this.#options.redis.xrange(CONTROL_STREAM, `(${this.#lastId}`, "+", "COUNT", PAGE);
      this.#take(page.filter(([id]) => compareIds(id, start) > 0));
      this.#lastId = page.at(-1)?.[0] ?? this.#lastId;
    } while (page.length === PAGE);
  }

  #take(items: readonly Item[]): void {
    for (const [id, [, text]] of items) {
      this.#lastId = id;
      if (this.#handled.has(id)) continue;
      this.#handled.add(id);
      const [oldest] = this.#handled;
      if (this.#handled.size > REMEMBERED && oldest !== undefined) this.#handled.delete(oldest);
      const message = parseControlMessage(text);
      if (typeof message === "string") this.#options.onIgnored(message);
      else this.#options.onMessage(message);
    }
  }
}

/**
 * Follows the control stream until `stop`. It is read rather than subscribed to, so that who was cut off from Redis catches
 * up; a read of nothing new costs Redis some microseconds.
 */
export function followControl(options: FollowControlOptions): { stop(): void } {
  const reader = new ControlReader(options);
  let isReading = false;
  const read = async (): Promise<void> => {
    // A lost connection is reported elsewhere, once.
    if (isReading || options.redis.status !== "ready") return;
    isReading = true;
    try {
      await reader.read();
    } catch (error) {
      options.onError(error);
    } finally {
      isReading = false;
    }
  };
  const timer = setInterval(read, INTERVAL_MS);
  timer.unref();
  void read();
  return { stop: () => clearInterval(timer) };
}
