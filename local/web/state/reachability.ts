/** Messages that were on their way when the network went arrive within this time, in ms. */
const IN_FLIGHT_MS = 2_000;

/**
 * Knows since when the browser has no network. Without one a connection looks alive until it is silent for too long. What
 * arrives all the same shows that the browser's word is not about this connection: a platform on this machine can be
 * reached without any network.
 */
export class Reachability {
  readonly #listeners = new Set<() => void>();
  #offlineSince: number | undefined = navigator.onLine ? undefined : Date.now();

  /** Returns since when there is no network, in ms since 1970; undefined while there is one. */
  readonly getOfflineSince = (): number | undefined => this.#offlineSince;

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#listeners.size === 0) {
      addEventListener("online", this.#onOnline);
      addEventListener("offline", this.#onOffline);
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      removeEventListener("online", this.#onOnline);
      removeEventListener("offline", this.#onOffline);
    };
  };

  /** Takes note that something arrived from the service. */
  noteArrival(): void {
    if (this.#offlineSince !== undefined && Date.now() - this.#offlineSince > IN_FLIGHT_MS) this.#set(undefined);
  }

  readonly #onOnline = (): void => this.#set(undefined);

  readonly #onOffline = (): void => this.#set(Date.now());

  #set(offlineSince: number | undefined): void {
    this.#offlineSince = offlineSince;
    for (const listener of this.#listeners) listener();
  }
}
