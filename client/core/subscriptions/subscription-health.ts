import type { ChannelError } from "../../../contract/errors.ts";

/**
 * The state of a subscription at the service: no connection has it confirmed, one has, one has but nothing arrives, or
 * the service refuses it.
 */
export type Health = "pending" | "confirmed" | "silent" | ChannelError;

/** Combines what the connections report about one subscription; during a hand-over there are two of them. */
export class SubscriptionHealth {
  readonly #onChange: () => void;
  /** By connection: it has the subscription confirmed, or the service refused it there. */
  readonly #reports = new Map<object, "confirmed" | ChannelError>();
  /** The time at which a message, a heartbeat or a reply last arrived, in ms since 1970. */
  #heardAt = 0;
  #isSilent = false;
  #isPartial = false;

  /** @param onChange called after each change, and sometimes without one */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get current(): Health {
    let refusal: ChannelError | undefined;
    for (const report of this.#reports.values()) {
      if (report === "confirmed") return this.#isSilent ? "silent" : this.#isPartial ? "pending" : "confirmed";
      refusal = report;
    }
    return refusal ?? "pending";
  }

  /** True if a connection has the subscription confirmed. */
  get isConfirmed(): boolean {
    return this.current === "confirmed" || this.current === "silent";
  }

  /** True if nothing arrived for too long, or the device went offline after something last arrived. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Records that a connection has the subscription confirmed. */
  confirm(connection: object): void {
    this.#reports.set(connection, "confirmed");
    this.markHeard();
    this.#onChange();
  }

  /** Records that a connection, or whoever reports for all of them, no longer has it confirmed or refuses it. */
  drop(reporter: object, refusal?: ChannelError): void {
    if (refusal) this.#reports.set(reporter, refusal);
    else this.#reports.delete(reporter);
    this.#onChange();
  }

  /** Forgets all reports. */
  clear(): void {
    this.#reports.clear();
    this.#onChange();
  }

  /** Records that something arrived. */
  markHeard(): void {
    this.#heardAt = Date.now();
    this.#setSilent(false);
  }

  /** Records whether the service cannot serve a part of the subscription. */
  markPartial(isPartial: boolean): void {
    this.#isPartial = isPartial;
    this.#onChange();
  }

  /** Records that nothing can arrive, whatever the connection reports. */
  markSilent(): void {
    this.#setSilent(true);
  }

  /** Ends a silence unless nothing arrived for too long. Returns whether it ended. */
  endSilence(now: number, staleAfterMs: number): boolean {
    if (this.#isLate(now, staleAfterMs)) return false;
    this.#setSilent(false);
    return true;
  }

  /** Marks it silent where nothing arrived for too long. Returns whether that is new. */
  checkFreshness(now: number, staleAfterMs: number): boolean {
    if (this.#isSilent || !this.isConfirmed || !this.#isLate(now, staleAfterMs)) return false;
    this.markSilent();
    return true;
  }

  #isLate(now: number, staleAfterMs: number): boolean {
    return now - this.#heardAt > staleAfterMs;
  }

  #setSilent(isSilent: boolean): void {
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    this.#onChange();
  }
}
