import type { ServerFrame } from "../../../contract/managed-edge.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { encodeFrame, isRefused, type Poster, packMessages } from "./poster.ts";

/** Frames at which they are packed before `flush`, so that a large answer is not in memory twice. */
const MAXIMUM_FRAMES = 5_000;

/** The entries of a stream that a client is sent. */
export interface AnsweredMessages {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** The only entry as a frame, where it is encoded already. */
  readonly text?: string | undefined;
}

/** The frames that one request leads to: `flush` sends them in their order, in as few messages as they fit into. */
export class Outbox {
  readonly #poster: Poster;
  readonly #connectionId: string;
  #frames: string[] = [];
  /** Packed, and not accepted by API Gateway yet. */
  #messages: string[] = [];
  #isGone = false;
  #hasLeft = false;
  #hasFailed = false;
  #size = 0;

  constructor(poster: Poster, connectionId: string) {
    this.#poster = poster;
    this.#connectionId = connectionId;
  }

  /** True once a post has shown that the connection has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** True where the client may have got some of it. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** True where the last `flush` failed; the next one sends what it left. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The size of all that was ever added, in UTF-16 code units: near enough to bytes for a limit. */
  get size(): number {
    return this.#size;
  }

  add(...frames: readonly ServerFrame[]): void {
    this.addAll(frames);
  }

  /** Adds any number of frames. */
  addAll(frames: Iterable<ServerFrame>): void {
    for (const frame of frames) this.#addText(encodeFrame(frame));
    if (this.#frames.length >= MAXIMUM_FRAMES) this.#pack();
  }

  /** Adds the messages of a stream. */
  addMessages({ entries, text }: AnsweredMessages): void {
    if (text === undefined) this.addAll(entries.map((data) => ({ event: "data", data }) as const));
    else this.#addText(text);
  }

  /** Drops what has not been sent. */
  clear(): void {
    this.#frames = [];
    this.#messages = [];
  }

  /**
   * Resolves once all is sent, or the connection has ended. Rejects where API Gateway does not accept a message; the next
   * call sends what is left.
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

  #addText(text: string): void {
    this.#size += text.length;
    this.#frames.push(text);
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
