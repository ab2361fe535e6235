import type { AuthenticatedMessage } from "../../../contract/messages.ts";
import type { Backoff } from "../timing/backoff.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";
import { readClaims, renewalDelay, type TokenSource } from "./token-source.ts";

interface TokenRenewalOptions {
  readonly tokens: TokenSource;
  readonly backoff: Backoff;
  /** Replaces the token in place. Rejects with the service's refusal, or where there is no connection. */
  readonly authenticate: (token: string | null) => Promise<AuthenticatedMessage>;
  /** Hears why a renewal that nobody waits for has failed. */
  readonly onFailure: (error: unknown) => void;
}

/** A token that is refused so soon after it was taken, in ms, is not replaced at once. */
const CALM_MS = 10_000;

/** Replaces the token of an open connection before it expires, one request at a time. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #renewedAt = 0;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
  }

  /** Plans the renewal of the token that a connection has. */
  schedule(token: string | null): void {
    clearTimeout(this.#timer);
    const delay = this.#options.tokens.isRenewable ? renewalDelay(readClaims(token)) : undefined;
    if (delay !== undefined) this.#renewIn(delay);
  }

  /** Rejects with what the application's function throws, or with the service's refusal; it is tried again later. */
  renew(): Promise<void> {
    this.#running ??= this.#renew().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Renews at once, but not again and again: a service that refuses what it has just taken is asked more slowly. */
  renewSoon(): void {
    if (this.#running) return;
    const isRecent = Date.now() - this.#renewedAt < CALM_MS;
    this.#renewIn(isRecent ? Math.random() * CALM_MS : 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #renew(): Promise<void> {
    const { tokens, backoff, authenticate } = this.#options;
    clearTimeout(this.#timer);
    try {
      const token = await tokens.fetch();
      await authenticate(token);
      tokens.accept();
      this.#renewedAt = Date.now();
      backoff.reset();
      this.schedule(token);
    } catch (error) {
      if (tokens.isRenewable) this.#renewIn(backoff.next());
      throw error;
    }
  }

  #renewIn(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.renew().catch(this.#options.onFailure), boundedDelay(delay));
  }
}
