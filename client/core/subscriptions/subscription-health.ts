import type { ChannelError } from "../../../contract/errors.ts";

/**
 * How the subscription on the wire is doing: nothing carries it, a connection carries it, one does and is silent, or the
 * service refuses it.
 */
export type Condition = "waiting" | "carried" | "silent" | ChannelError;

/** Sums up what the connections say of one subscription, of which there are two during a hand-over. */
export class Conditions {
  readonly #onChange: () => void;
  /** By connection: it carries the subscription, or the service refused it there. */
  readonly #verdicts = new Map<object, "carried" | ChannelError>();
  /** When a message, a heartbeat or an answer last came, in ms since 1970. */
  #heardAt = 0;
  #isSilent = false;

  /** @param onChange called after each change, and perhaps without one */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get current(): Condition {
    let refusal: ChannelError | undefined;
    for (const verdict of this.#verdicts.values()) {
      if (verdict === "carried") return this.#isSilent ? "silent" : "carried";
      refusal = verdict;
    }
    return refusal ?? "waiting";
  }

  /** Whether a connection carries it just now. */
  get isCarried(): boolean {
    return this.current === "carried" || this.current === "silent";
  }

  /** Whether nothing came for too long, or the device has been offline since something last came. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Takes note that a connection carries it. */
  carry(by: object): void {
    this.#verdicts.set(by, "carried");
    this.hear();
    this.#onChange();
  }

  /** Takes note that a connection, or who answers for all of them, does not carry it any more, or refuses it. */
  drop(by: object, refusal?: ChannelError): void {
    if (refusal) this.#verdicts.set(by, refusal);
    else this.#verdicts.delete(by);
    this.#onChange();
  }

  /** Takes note that no connection says anything of it any more. */
  clear(): void {
    this.#verdicts.clear();
    this.#onChange();
  }

  /** Takes note that something of it came. */
  hear(): void {
    this.#heardAt = Date.now();
    this.#setSilent(false);
  }

  /** Takes note that nothing can be heard of it, whatever its connection says. */
  silence(): void {
    this.#setSilent(true);
  }

  /** Ends a silence that had another cause than that nothing came for too long. Returns whether it had. */
  endSilence(now: number, staleAfterMs: number): boolean {
    if (this.#isLate(now, staleAfterMs)) return false;
    this.#setSilent(false);
    return true;
  }

  /** Silences it where nothing came for too long. Returns whether that is new. */
  checkFreshness(now: number, staleAfterMs: number): boolean {
    if (this.#isSilent || !this.isCarried || !this.#isLate(now, staleAfterMs)) return false;
    this.silence();
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
