import { isRecord } from "../../../contract/is-record.ts";
import { decodeBase64Url } from "./base64url.ts";

/** A token is replaced this long before its end, in ms; a short one after three quarters of its life. */
const LEAD_MS = 60_000;

/** Least time between a token's arrival and the request for the next one, in ms. */
const MINIMUM_LIFE_MS = 1_000;

/** Claims of a token, decoded without verifying it: they say when to renew it, and are never trusted. */
export interface TokenClaims {
  readonly sub?: string;
  /** In ms since 1970. */
  readonly expiresAt?: number;
  readonly issuedAt?: number;
}

/** Returns the claims of a token; none for a token that is not a JWT. */
export function readClaims(token: string | null): TokenClaims {
  const part = token?.split(".")[1];
  if (part === undefined) return {};
  try {
    const claims: unknown = JSON.parse(decodeBase64Url(part));
    if (!isRecord(claims)) return {};
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
 * Returns when to request the next token, in ms from now; undefined for a token that does not expire. If the device's
 * clock is wrong by more than the token's life, the token counts as fresh.
 */
export function renewalDelay({ expiresAt, issuedAt }: TokenClaims, now: number = Date.now()): number | undefined {
  if (expiresAt === undefined) return undefined;
  const whole = expiresAt - (issuedAt ?? now);
  const left = expiresAt - now;
  const life = left > 0 && left <= whole ? left : whole;
  return Math.max(MINIMUM_LIFE_MS, life - Math.min(LEAD_MS, life / 4));
}
