import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { SUBPROTOCOL } from "../../../contract/endpoints.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { Identity, VerifyToken } from "../../../kernel/auth/token-verifier.ts";

type AuthorizerHandler = (event: APIGatewayRequestAuthorizerEvent) => Promise<APIGatewayAuthorizerResult>;

/** API Gateway answers 401 to an error with exactly this message, and 500 to any other. */
const UNAUTHORIZED = "Unauthorized";

/** Returns the subprotocols that a client offers: {@link SUBPROTOCOL} and, where it has one, the token. */
export function offeredProtocols(headers: Readonly<Record<string, string | undefined>> | null): string[] {
  const [, value = ""] =
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "sec-websocket-protocol") ?? [];
  return value.split(",").flatMap((part) => part.trim() || []);
}

function tokenOf({ headers, queryStringParameters }: APIGatewayRequestAuthorizerEvent): string | undefined {
  const offered = offeredProtocols(headers);
  const token = offered.includes(SUBPROTOCOL) ? offered.find((part) => part !== SUBPROTOCOL) : undefined;
  return token ?? (queryStringParameters?.token || undefined);
}

const allow = (methodArn: string, identity: Identity | undefined): APIGatewayAuthorizerResult => ({
  principalId: identity?.sub ?? "anonymous",
  policyDocument: {
    Version: "2012-10-17",
    Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: methodArn }],
  },
  // Values of the context are text: where there is no identity it has no entries, not empty ones.
  context: identity ? { sub: identity.sub, expiresAt: String(identity.expiresAt) } : {},
});

/**
 * Builds the authorizer of `$connect`: it lets in a client with a valid token or without one, and refuses an invalid or
 * expired token with 401. It logs nothing of the event: headers and query string carry the token.
 *
 * @param onRefused called with the error code of each refusal.
 */
export function createAuthorizer(verifyToken: VerifyToken, onRefused: (code: string) => void): AuthorizerHandler {
  return async (event) => {
    const token = tokenOf(event);
    if (token === undefined) return allow(event.methodArn, undefined);
    try {
      return allow(event.methodArn, await verifyToken(token));
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      onRefused(error.code);
      // 500, not 401, where the issuer's signing keys could not be fetched: the client is to retry with the same token.
      throw error.code === "unavailable" ? new Error(error.message) : new Error(UNAUTHORIZED);
    }
  };
}
