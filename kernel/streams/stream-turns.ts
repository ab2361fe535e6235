/** Runs the work on one stream in the order in which it was asked for, each after the one before has ended. */
export class StreamTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Resolves with the result of `work`, which starts once all that was asked for before it has ended, however. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const result = before ? before.then(work, work) : work();
    this.#last.set(name, result);
    const forget = (): void => {
      if (this.#last.get(name) === result) this.#last.delete(name);
    };
    result.then(forget, forget);
    return result;
  }
}
