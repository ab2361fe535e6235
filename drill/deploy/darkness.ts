/** Measures for how long one client was without its channels. */
export class Darkness {
  #since: number | undefined = Date.now();
  #longestMs = 0;

  /** Forgets what was before. */
  reset(): void {
    this.#longestMs = 0;
    if (this.#since !== undefined) this.#since = Date.now();
  }

  begin(): void {
    this.#since ??= Date.now();
  }

  end(): void {
    this.#longestMs = this.longestMs;
    this.#since = undefined;
  }

  /** The longest time since the last `reset`, in ms, one that lasts still included. */
  get longestMs(): number {
    return Math.max(this.#longestMs, this.#since === undefined ? 0 : Date.now() - this.#since);
  }

  get isOver(): boolean {
    return this.#since === undefined;
  }
}
