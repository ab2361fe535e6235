import type { CloseReason, Transport } from "../transport/transport.ts";

/** Time limit of the answer to a probe, in ms. */
const PROBE_TIMEOUT_MS = 3_000;

interface ProbeOptions {
  readonly send: Transport["probe"];
  readonly onAlive: () => void;
  readonly onDead: (reason: CloseReason) => void;
}

/** Finds out whether a connection still answers. */
export class Probe {
  readonly #options: ProbeOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Sends a probe, unless one is pending. */
  start(): void {
    if (this.#timer !== undefined) return;
    const { send, onAlive, onDead } = this.#options;
    const message = `no answer to a probe within ${PROBE_TIMEOUT_MS / 1_000} s`;
    this.#timer = setTimeout(() => onDead({ message, isDead: true }), PROBE_TIMEOUT_MS);
    send(() => {
      this.stop();
      this.#timer = undefined;
      onAlive();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
