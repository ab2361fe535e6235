import { isObject } from "../messages/parse-messages.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";
import type { Token } from "../types.ts";
import { decodeBase64Url } from "./base64url.ts";

/** How long before its end a token is replaced at the latest, in ms; a short one at three quarters of its life. */
const LEAD_MS = 60_000;

/** Least time between a token's arrival and the request for the next one, in ms. */
const MINIMUM_LIFE_MS = 1_000;

/** Refusals in a row after which a connection begins without a token, so that the public channels are there. */
const MAXIMUM_REFUSALS = 2;

/** How long the application's function may take, in ms. */
const TIMEOUT_MS = 10_000;

/** What a token says of itself. Read without a key: it serves to know when to renew, and never to trust it. */
export interface TokenClaims {
  readonly sub?: string;
  /** In ms since 1970. */
  readonly expiresAt?: number;
  readonly issuedAt?: number;
}

/** @returns no claims for a token that is no JWT */
export function readClaims(token: string | null): TokenClaims {
  const part = token?.split(".")[1];
  if (part === undefined) return {};
  try {
    const claims: unknown = JSON.parse(decodeBase64Url(part));
    if (!isObject(claims)) return {};
    const { sub, exp, iat } = claims;
    return {
      ...(typeof sub === "string" ? { sub } : {}),
      ...(typeof exp === "number" ? { expiresAt: exp * 1_000 } : {}),
      ...(typeof iat === "number" ? { issuedAt: iat * 1_000 } : {}),
    };
  } catch {
    return {};
  }
}

/**
 * When to ask for the next token, in ms from now; undefined for one that does not expire. A clock that is wrong by more
 * than the token's life is not believed: the token counts as fresh then.
 */
export function renewalDelay({ expiresAt, issuedAt }: TokenClaims, now: number = Date.now()): number | undefined {
  if (expiresAt === undefined) return undefined;
  const whole = expiresAt - (issuedAt ?? now);
  const left = expiresAt - now;
  const life = left > 0 && left <= whole ? left : whole;
  return Math.max(MINIMUM_LIFE_MS, life - Math.min(LEAD_MS, life / 4));
}

/** What a connection begins with. */
export interface ConnectionToken {
  readonly token: string | null;
  /** Whether there is a token that is not shown with the handshake, because that failed with it. */
  readonly isWithheld: boolean;
}

/** The application's function has not given a token in time. */
class TokenTimeoutError extends Error {
  override readonly name = "TokenTimeoutError";
}

/** Where tokens come from, and what became of them. */
export class TokenSource {
  readonly #token: Token;
  readonly #timeoutMs: number;
  #refused: string | undefined;
  /** Refusals by the service, and failures of the function, one after the other. */
  #refusals = 0;
  #failures = 0;

  constructor(token: Token = null, timeoutMs: number = TIMEOUT_MS) {
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether asking again can give another token. */
  get isRenewable(): boolean {
    return typeof this.#token === "function";
  }

  /** Rejects with what the application's function throws, or where that has not settled in time. */
  async fetch(): Promise<string | null> {
    const token = typeof this.#token === "function" ? await this.#withTimeout(this.#token) : this.#token;
    this.#failures = 0;
    return token === "" ? null : token;
  }

  /**
   * The token for a new connection. It is withheld, to be shown once connected, where the service refused it before, or
   * where the function fails again and again: that costs the private channels alone.
   */
  async fetchForConnection(): Promise<ConnectionToken> {
    if (this.#failures >= MAXIMUM_REFUSALS) return { token: null, isWithheld: true };
    try {
      const token = await this.fetch();
      const isWithheld = token !== null && (token === this.#refused || this.#refusals >= MAXIMUM_REFUSALS);
      return { token: isWithheld ? null : token, isWithheld };
    } catch (error) {
      // Who has waited that long already gets the public channels without another attempt.
      this.#failures = error instanceof TokenTimeoutError ? MAXIMUM_REFUSALS : this.#failures + 1;
      throw error;
    }
  }

  /** Takes note that a connection was not made with this token. */
  refuse(token: string): void {
    this.#refused = token;
    this.#refusals += 1;
  }

  /** Takes note that the service took a token. */
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
