import type { z } from "zod";
import type { authEnvironment, redisEnvironment } from "../../../kernel/env.ts";
import type { RedisAccess } from "./redis-access.ts";
import type { RedisRole } from "./redis-users.ts";
import type { TokenIssuer } from "./token-issuer.ts";

type RedisVariables = Partial<Record<keyof z.infer<typeof redisEnvironment>, string>>;
type AuthVariables = Partial<Record<keyof z.infer<typeof authEnvironment>, string>>;

const definedOnly = (values: RedisVariables | AuthVariables): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** Returns the variables with which a role connects to Redis, without the password: that comes from its secret. */
export const redisVariables = ({ url }: Pick<RedisAccess, "url">, role: RedisRole): Record<string, string> =>
  definedOnly({ RT_REDIS_URL: url, RT_REDIS_CLUSTER: "true", RT_REDIS_USERNAME: role });

/** Returns the variables with which tokens of an issuer are verified. */
export const authVariables = ({ issuer, audience, jwksUri, jwks }: TokenIssuer): Record<string, string> =>
  definedOnly({
    RT_AUTH_ISSUER: issuer,
    RT_AUTH_AUDIENCE: audience,
    RT_AUTH_JWKS_URI: jwksUri,
    RT_AUTH_JWKS: jwks,
  });

/** Returns the variables that every function gets. */
export const functionVariables = (service: string): Record<string, string> => ({
  POWERTOOLS_SERVICE_NAME: service,
  NODE_OPTIONS: "--enable-source-maps",
});
