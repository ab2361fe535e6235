import type { Edge } from "../types.ts";

/** Most bytes of a request. API Gateway ends a connection at 32 KB; what the gateway takes is for its operator to say. */
const MAXIMUM_BYTES = { managed: 30_000, gateway: 100_000 };

/** The size that is left to requests however often the service found them too large, in bytes. */
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

  /** A connection was ended because of a request's size: the same request would end the next one as well. */
  shrink(): void {
    this.#maximumBytes = Math.max(LEAST_BYTES, this.#maximumBytes / 2);
  }
}
