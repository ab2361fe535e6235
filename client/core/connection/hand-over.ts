import { boundedDelay } from "../timing/bounded-delay.ts";
import type { Session } from "./connection.ts";

/** A hand-over begins within this part of the time that the service gives, so that the next gateway gets no storm. */
const SPREAD = 0.5;

/** API Gateway ends a connection at two hours; a client replaces it a tenth of this earlier at the most, in ms. */
const LIFETIME_MS = 6_600_000;

/** Plans when a connection is replaced by another one before it ends. */
export class HandOver {
  readonly #replace: (session: Session) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(replace: (session: Session) => void) {
    this.#replace = replace;
  }

  /** The service ends the connection in so many ms. Only its first word counts. */
  announce(session: Session, reconnectIn: number): void {
    if (session.isDraining) return;
    session.isDraining = true;
    this.#plan(
      () => {
        session.isDue = true;
        this.#replace(session);
      },
      reconnectIn * SPREAD * Math.random(),
    );
  }

  /** The connection may live so long at the most, in ms. */
  limitLife(session: Session, lifetimeMs: number = LIFETIME_MS): void {
    this.#plan(() => this.#replace(session), lifetimeMs * (0.9 + 0.1 * Math.random()));
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #plan(task: () => void, delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(task, boundedDelay(delayMs));
  }
}
