import type { ServerFrame } from "../../../contract/managed-edge.ts";
import { encodeFrame, isRefused, type Poster, packMessages } from "./poster.ts";

/** Packed before it is due when so many frames wait, so that a large answer is not held twice in memory. */
const MAXIMUM_FRAMES = 5_000;

/** The frames that one request leads to, sent in their order and in as few messages as they fit into. */
export class Outbox {
  readonly #poster: Poster;
  readonly #connectionId: string;
  #frames: string[] = [];
  /** Packed, and not yet taken by API Gateway. */
  #messages: string[] = [];
  #isGone = false;
  #hasLeft = false;
  #hasFailed = false;
  #bytes = 0;

  constructor(poster: Poster, connectionId: string) {
    this.#poster = poster;
    this.#connectionId = connectionId;
  }

  /** Whether the connection turned out to have ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether the client may have something of it already. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Whether the last `flush` failed; what it left is sent by the next one. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** All that was ever added, in UTF-16 units: near enough to bytes for a bound. */
  get size(): number {
    return this.#bytes;
  }

  add(...frames: readonly ServerFrame[]): void {
    this.addAll(frames);
  }

  /** As `add`, for any number of frames. */
  addAll(frames: Iterable<ServerFrame>): void {
    for (const frame of frames) {
      const text = encodeFrame(frame);
      this.#bytes += text.length;
      this.#frames.push(text);
    }
    if (this.#frames.length >= MAXIMUM_FRAMES) this.#pack();
  }

  /** Forgets what has not left. */
  clear(): void {
    this.#frames = [];
    this.#messages = [];
  }

  /**
   * Resolves once all is sent, or the connection is gone. Rejects where API Gateway does not take it; what is left stays
   * for the next call.
   */
  async flush(): Promise<void> {
    this.#pack();
    for (;;) {
      const [message] = this.#messages;
      if (message === undefined || this.#isGone) return;
      await this.#post(message);
      this.#messages.shift();
    }
  }

  async #post(message: string): Promise<void> {
    try {
      this.#hasFailed = false;
      this.#isGone = !(await this.#poster.post(this.#connectionId, message));
      this.#hasLeft = true;
    } catch (error) {
      this.#hasFailed = true;
      if (!isRefused(error)) this.#hasLeft = true;
      throw error;
    }
  }

  #pack(): void {
    for (const message of packMessages(this.#frames)) this.#messages.push(message);
    this.#frames = [];
  }
}
