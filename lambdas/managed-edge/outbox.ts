import type { ServerFrame } from "../../contract/managed-edge.ts";
import { encodeFrame, type Poster } from "./poster.ts";

/** The frames that one request leads to, sent in their order and in as few messages as they fit into. */
export class Outbox {
  readonly #poster: Poster;
  readonly #connectionId: string;
  #frames: string[] = [];
  #isGone = false;

  constructor(poster: Poster, connectionId: string) {
    this.#poster = poster;
    this.#connectionId = connectionId;
  }

  /** Whether the connection turned out to have ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  add(...frames: readonly ServerFrame[]): void {
    this.#frames.push(...frames.map(encodeFrame));
  }

  /** Resolves once all is sent, or the connection is gone. Rejects where API Gateway does not take it. */
  async flush(): Promise<void> {
    const frames = this.#frames;
    this.#frames = [];
    if (frames.length === 0 || this.#isGone) return;
    this.#isGone = !(await this.#poster.send(this.#connectionId, frames));
  }
}
