import { boundedDelay } from "../timing/bounded-delay.ts";
import type { Token } from "../types.ts";

/** Refusals in a row after which a connection is opened without a token, so that the public channels work. */
const MAXIMUM_REFUSALS = 2;

/** Time limit of the application's token function, in ms. */
const TIMEOUT_MS = 10_000;

/** The token of a new connection. */
export interface ConnectionToken {
  readonly token: string | null;
  /** True if there is a token that the handshake leaves out, because an earlier handshake failed with it. */
  readonly isWithheld: boolean;
}

/** The application's token function did not return a token in time. */
class TokenTimeoutError extends Error {
  override readonly name = "TokenTimeoutError";
}

/** Fetches tokens, and remembers which of them the service refused. */
export class TokenSource {
  readonly #token: Token;
  readonly #timeoutMs: number;
  #refused: string | undefined;
  /** Refusals by the service in a row. */
  #refusals = 0;
  /** Failures of the token function in a row. */
  #failures = 0;

  constructor(token: Token = null, timeoutMs: number = TIMEOUT_MS) {
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** True if fetching again can return another token. */
  get isRenewable(): boolean {
    return typeof this.#token === "function";
  }

  /** Resolves with a token. Rejects with what the application's function throws, or if it does not settle in time. */
  async fetch(): Promise<string | null> {
    const token = typeof this.#token === "function" ? await this.#withTimeout(this.#token) : this.#token;
    this.#failures = 0;
    return token === "" ? null : token;
  }

  /**
   * Resolves with the token of a new connection. Withholds it, to send it once connected, if the service refused it
   * before or if the function keeps failing: then only the private channels are missing.
   */
  async fetchForConnection(): Promise<ConnectionToken> {
    if (this.#failures >= MAXIMUM_REFUSALS) return { token: null, isWithheld: true };
    try {
      const token = await this.fetch();
      const isWithheld = token !== null && (token === this.#refused || this.#refusals >= MAXIMUM_REFUSALS);
      return { token: isWithheld ? null : token, isWithheld };
    } catch (error) {
      // A timeout has cost the user enough time: the public channels come without another attempt.
      this.#failures = error instanceof TokenTimeoutError ? MAXIMUM_REFUSALS : this.#failures + 1;
      throw error;
    }
  }

  /** Records that a connection failed with this token. */
  refuse(token: string): void {
    this.#refused = token;
    this.#refusals += 1;
  }

  /** Records that the service accepted a token. */
  accept(): void {
    this.#refused = undefined;
    this.#refusals = 0;
  }

  #withTimeout(fetch: Exclude<Token, string | null>): Promise<string | null> {
    return new Promise((resolve, reject) => {
      const message = `the token function has not settled within ${this.#timeoutMs / 1_000} s`;
      const timer = setTimeout(() => reject(new TokenTimeoutError(message)), boundedDelay(this.#timeoutMs));
      const settle = async (): Promise<void> => resolve(await fetch());
      settle()
        .catch(reject)
        .finally(() => clearTimeout(timer));
    });
  }
}
