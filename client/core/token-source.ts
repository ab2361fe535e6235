import { isObject } from "./frames.ts";
import type { Token } from "./types.ts";

/** How long before its end a token is replaced at the latest, in ms; a short one at three quarters of its life. */
const LEAD_MS = 60_000;

/** Least time between a token's arrival and the request for the next one, in ms. */
const MINIMUM_LIFE_MS = 1_000;

/** Refusals in a row after which a connection begins without a token, so that the public channels are there. */
const MAXIMUM_REFUSALS = 2;

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
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
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

/** Where tokens come from, and what became of them. */
export class TokenSource {
  readonly #token: Token;
  #refused: string | undefined;
  #refusals = 0;

  constructor(token: Token = null) {
    this.#token = token;
  }

  /** Whether asking again can give another token. */
  get isRenewable(): boolean {
    return typeof this.#token === "function";
  }

  /** Rejects with what the application's function throws. */
  async fetch(): Promise<string | null> {
    const token = typeof this.#token === "function" ? await this.#token() : this.#token;
    return token === "" ? null : token;
  }

  /** The token for a new connection. It is withheld, to be shown once connected, where the service refused it before. */
  async fetchForConnection(): Promise<ConnectionToken> {
    const token = await this.fetch();
    const isWithheld = token !== null && (token === this.#refused || this.#refusals >= MAXIMUM_REFUSALS);
    return { token: isWithheld ? null : token, isWithheld };
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
}
