import type { AuthenticatedMessage } from "../../contract/frames.ts";
import type { Backoff } from "./backoff.ts";
import { readClaims, renewalDelay, type TokenSource } from "./token-source.ts";

interface TokenRenewalOptions {
  readonly tokens: TokenSource;
  readonly backoff: Backoff;
  /** Replaces the token in place. Rejects with the service's refusal, or where there is no connection. */
  readonly authenticate: (token: string | null) => Promise<AuthenticatedMessage>;
  /** Hears why a renewal that nobody waits for has failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Replaces the token of an open connection before it expires, one request at a time. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;

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
      backoff.reset();
      this.schedule(token);
    } catch (error) {
      if (tokens.isRenewable) this.#renewIn(backoff.next());
      throw error;
    }
  }

  #renewIn(delay: number): void {
    this.#timer = setTimeout(() => this.renew().catch(this.#options.onFailure), delay);
  }
}
