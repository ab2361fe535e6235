import type { AuthenticatedMessage } from "../../contract/frames.ts";
import type { Backoff } from "./backoff.ts";
import { readClaims, renewalDelay, type TokenSource } from "./token-source.ts";

interface TokenRenewalOptions {
  readonly tokens: TokenSource;
  readonly backoff: Backoff;
  /** Replaces the token in place. Rejects with the service's refusal, or where there is no connection. */
  readonly authenticate: (token: string | null) => Promise<AuthenticatedMessage>;
  readonly onError: (error: Error) => void;
}

/** Replaces the token of an open connection before it expires, one request at a time. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
  }

  /** Plans the renewal of a token that a connection has; null where it was refused and a better one may come. */
  schedule(token: string | null): void {
    const { tokens, backoff } = this.#options;
    clearTimeout(this.#timer);
    if (!tokens.isRenewable) return;
    const delay = token === null ? (tokens.isRefused ? backoff.next() : undefined) : renewalDelay(readClaims(token));
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
    this.#timer = setTimeout(() => {
      this.renew().catch((error: unknown) => {
        this.#options.onError(error instanceof Error ? error : new Error(String(error)));
      });
    }, delay);
  }
}
