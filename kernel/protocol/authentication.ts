import type { AuthenticatedMessage } from "../../contract/messages.ts";
import type { Identity, VerifyToken } from "../auth/token-verifier.ts";

/**
 * Resolves with the user of the token of an `authenticate`; with undefined for `null`, which makes a connection anonymous.
 *
 * @throws ChannelError `token_invalid`, `token_expired` or `unavailable`.
 */
export const identify = async (token: string | null, verifyToken: VerifyToken): Promise<Identity | undefined> =>
  token === null ? undefined : verifyToken(token);

/** True where both are the same user, or both anonymous: then private subscriptions survive a change of token. */
export const isSameUser = (before: Identity | undefined, after: Identity | undefined): boolean =>
  before?.sub === after?.sub;

/** The answer to an `authenticate`. */
export const describeAuthenticated = (identity: Identity | undefined): AuthenticatedMessage =>
  identity ? { sub: identity.sub, expiresAt: identity.expiresAt } : { sub: null };
