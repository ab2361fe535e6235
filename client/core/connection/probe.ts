import type { CloseReason, Transport } from "../transport/transport.ts";

/** Time limit of the answer to a probe, in ms. */
const PROBE_TIMEOUT_MS = 3_000;

/** Finds out whether a connection still answers. */
export class Probe {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Sends a probe, unless one is pending, and calls one of the two functions. */
  start(transport: Transport, onAlive: () => void, onDead: (reason: CloseReason) => void): void {
    if (this.#timer !== undefined) return;
    const message = `no answer to a probe within ${PROBE_TIMEOUT_MS / 1_000} s`;
    this.#timer = setTimeout(() => onDead({ message, isDead: true }), PROBE_TIMEOUT_MS);
    transport.probe(() => {
      this.stop();
      this.#timer = undefined;
      onAlive();
    });
  }

  /** Calls neither function any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
