import type { Edge } from "../types.ts";

/** Most bytes of a request. API Gateway closes a connection at 32 KB; the gateway's limit is its operator's setting. */
const MAXIMUM_BYTES = { managed: 30_000, gateway: 100_000 };

/** Requests never shrink below this size, in bytes. */
const LEAST_BYTES = 1_500;

/** Keeps how large the requests of a client may be. */
export class RequestSize {
  #maximumBytes: number;

  constructor(edge: Edge) {
    this.#maximumBytes = MAXIMUM_BYTES[edge];
  }

  get maximumBytes(): number {
    return this.#maximumBytes;
  }

  /** Halves the size, after the service closed a connection because of a request's size: the same one would fail again. */
  shrink(): void {
    this.#maximumBytes = Math.max(LEAST_BYTES, this.#maximumBytes / 2);
  }
}
