import type { AuthenticatedMessage } from "../../../contract/messages.ts";
import type { Backoff } from "../timing/backoff.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";
import { readClaims, renewalDelay } from "./token-claims.ts";
import type { TokenSource } from "./token-source.ts";

interface TokenRenewalOptions {
  readonly tokens: TokenSource;
  readonly backoff: Backoff;
  /** Replaces the token in place. Rejects with the service's refusal, or if there is no connection. */
  readonly authenticate: (token: string | null) => Promise<AuthenticatedMessage>;
  /** Called with the error of a renewal that no caller awaits. */
  readonly onFailure: (error: unknown) => void;
}

/** Within this time after a renewal, in ms, the next one is delayed. */
const COOL_DOWN_MS = 10_000;

/** Replaces the token of an open connection before it expires, one request at a time. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #renewedAt = 0;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
  }

  /** Schedules the renewal of a connection's token. */
  schedule(token: string | null): void {
    clearTimeout(this.#timer);
    const delay = this.#options.tokens.isRenewable ? renewalDelay(readClaims(token)) : undefined;
    if (delay !== undefined) this.#renewIn(delay);
  }

  /**
   * Resolves once the service has accepted a new token. Rejects with what the application's function throws, or with the
   * service's refusal, and retries later.
   */
  renew(): Promise<void> {
    this.#running ??= this.#renew().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Renews immediately, or after a random delay if the service refuses a token that it accepted a moment ago. */
  renewSoon(): void {
    if (this.#running) return;
    const isRecent = Date.now() - this.#renewedAt < COOL_DOWN_MS;
    this.#renewIn(isRecent ? Math.random() * COOL_DOWN_MS : 0);
  }

  /** Cancels the next renewal. */
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
