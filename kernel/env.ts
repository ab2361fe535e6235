import * as z from "zod";
import { describeIssue } from "../contract/messages.ts";

/** `true`/`false` as an environment variable spells it. */
export const flag = z.enum(["true", "false"]).transform((value) => value === "true");

function isJwks(text: string): boolean {
  try {
    return z.object({ keys: z.array(z.looseObject({ kid: z.string() })).min(1) }).safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** What a URL may have beside the host is used or refused, never ignored. */
function hasNothingElse(text: string): boolean {
  // Node 20 has no URL.parse.
  if (!URL.canParse(text)) return true;
  const url = new URL(text);
  return /^\/?0?$/.test(url.pathname) && url.search === "" && url.hash === "";
}

/** Where Redis is and how to get in. The password has a variable of its own: a URL ends up in logs. */
export const redisEnvironment = z.object({
  /**
   * `redis://host:port`, or `rediss://` for TLS. On a cluster any node, or the configuration endpoint. A user and
   * password in it (percent-encoded) are used where the variables for them are not set.
   */
  RT_REDIS_URL: z
    .url({
      protocol: /^rediss?$/,
      error: ({ input }) =>
        `${input === undefined ? "is missing: it" : ""} must be redis://host:port or rediss://host:port`.trim(),
    })
    .refine(hasNothingElse, "must end after the port: only database 0 is used, and there are no options"),
  /** Whether it is a cluster (ElastiCache with cluster mode on, or Serverless). */
  RT_REDIS_CLUSTER: flag.default(false),
  RT_REDIS_USERNAME: z.string().min(1).optional(),
  RT_REDIS_PASSWORD: z.string().min(1).optional(),
});

/** Whose tokens are valid. */
export const authEnvironment = z.object({
  /** The `iss` of valid tokens; for Cognito `https://cognito-idp.<region>.amazonaws.com/<pool id>`. */
  RT_AUTH_ISSUER: z.url({ protocol: /^https$/, error: "must be an https URL" }),
  /** The `aud` of valid tokens (any OIDC issuer), or the app client id (Cognito). */
  RT_AUTH_AUDIENCE: z.string().min(1),
  /** Where the issuer's keys are, if not at `<issuer>/.well-known/jwks.json`. */
  RT_AUTH_JWKS_URI: z.url({ protocol: /^https$/, error: "must be an https URL" }).optional(),
  /** The keys themselves (a JWKS as JSON), where the network has no way to the issuer. */
  RT_AUTH_JWKS: z.string().refine(isJwks, "must be a JWKS as JSON, with at least one key that has a kid").optional(),
});

const httpUrl = z.url({ protocol: /^https?$/, error: "must be an https URL" });

/** The managed edge's own parts: its functions need them. */
export const edgeEnvironment = z.object({
  /** The table of connections and subscriptions. */
  RT_EDGE_TABLE: z.string().min(3).max(255),
  /** Where connections are posted to: `https://<api>.execute-api.<region>.amazonaws.com/<stage>`. */
  RT_EDGE_MANAGEMENT_URL: httpUrl,
});

/** Where publishers tell the managed edge of new messages. */
export const edgeQueueEnvironment = z.object({
  /** The SQS FIFO queue. Absent: there is no managed edge, and nothing is handed on. */
  RT_EDGE_QUEUE_URL: httpUrl.optional(),
});

/** How publishers check what they publish. */
export const publishingEnvironment = z.object({
  /**
   * How far ahead of Redis's clock a version (or `data.time`) may be, in ms. The same for all publishers of a stream:
   * a newer version that one of them lets through holds up the others' until its time has come.
   */
  RT_MAXIMUM_CLOCK_SKEW_MS: z.coerce.number().int().min(0).max(3_600_000).default(60_000),
});

/** How the fan-out of the managed edge works. */
export const edgeFanOutEnvironment = z.object({
  /**
   * How long an invocation that had not its hands full rests, in ms, so that what comes meanwhile goes out together:
   * fewer messages to pay for, and so much more delay where updates follow each other. Only with an event source of few
   * invocations at once.
   */
  RT_EDGE_WINDOW_MS: z.coerce.number().int().min(0).max(5_000).default(0),
});

/** The environment lacks something or has a wrong value; the message names every variable concerned. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** @throws ConfigurationError that lists every variable that is missing or wrong, never a value. */
export function parseEnvironment<T>(
  schema: z.ZodType<T>,
  environment: Readonly<Record<string, string | undefined>>,
): T {
  const result = schema.safeParse(environment);
  if (result.success) return Object.freeze(result.data);
  const problems = result.error.issues.map((issue) => describeIssue(new z.ZodError([issue])));
  throw new ConfigurationError(`environment is not valid:\n  ${problems.join("\n  ")}`);
}
