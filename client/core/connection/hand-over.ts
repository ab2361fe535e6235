import { boundedDelay } from "../timing/bounded-delay.ts";
import type { Connection } from "./connection.ts";

/** A hand-over begins after this part of the announced time. Not a random one: the service gives each client its own. */
const LEAD = 0.5;

/** Longest life of a connection, in ms, less a random tenth: API Gateway closes it at two hours. */
const LIFETIME_MS = 6_600_000;

/** Plans when a connection is replaced by another one before it ends. */
export class HandOver {
  readonly #replace: (connection: Connection) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The newest connection whose announced replacement has become due. */
  #due: Connection | undefined;

  constructor(replace: (connection: Connection) => void) {
    this.#replace = replace;
  }

  /** Plans the replacement of a connection that the service will close `reconnectIn` ms from now. */
  announce(connection: Connection, reconnectIn: number): void {
    this.#plan(() => {
      this.#due = connection;
      this.#replace(connection);
    }, reconnectIn * LEAD);
  }

  /** Plans the replacement of a connection at the end of its life. */
  limitLife(connection: Connection, lifetimeMs: number = LIFETIME_MS): void {
    this.#plan(() => this.#replace(connection), lifetimeMs * (0.9 + 0.1 * Math.random()));
  }

  /** Returns whether a connection is to be replaced as soon as it carries the subscriptions. */
  isDue(connection: Connection): boolean {
    return this.#due === connection;
  }

  /** Cancels the planned replacement. */
  cancel(): void {
    clearTimeout(this.#timer);
  }

  #plan(task: () => void, delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(task, boundedDelay(delayMs));
  }
}
