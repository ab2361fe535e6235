import * as z from "zod";
import { describeIssue } from "../contract/messages.ts";
import { DEFAULT_CLOCK_SKEW_MS } from "./streams/stream-clock.ts";

/** A boolean environment variable: `true` or `false`. */
export const flag = z.enum(["true", "false"]).transform((value) => value === "true");

function isJwks(text: string): boolean {
  try {
    return z.object({ keys: z.array(z.looseObject({ kid: z.string() })).min(1) }).safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** Returns true if nothing follows the port: parts of a URL are used or refused, never ignored. */
function hasNothingElse(text: string): boolean {
  // Node 20 has no URL.parse.
  if (!URL.canParse(text)) return true;
  const url = new URL(text);
  return /^\/?0?$/.test(url.pathname) && url.search === "" && url.hash === "";
}

/** The address and credentials of Redis. The password has a variable of its own: URLs end up in logs. */
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
  /** True for a cluster (ElastiCache with cluster mode on, or Serverless). */
  RT_REDIS_CLUSTER: flag.default(false),
  RT_REDIS_USERNAME: z.string().min(1).optional(),
  RT_REDIS_PASSWORD: z.string().min(1).optional(),
});

/** The issuer and audience of valid tokens. */
export const authEnvironment = z.object({
  /** The `iss` of valid tokens; for Cognito `https://cognito-idp.<region>.amazonaws.com/<pool id>`. */
  RT_AUTH_ISSUER: z.url({ protocol: /^https$/, error: "must be an https URL" }),
  /** The `aud` of valid tokens (any OIDC issuer), or the app client id (Cognito). */
  RT_AUTH_AUDIENCE: z.string().min(1),
  /** The address of the issuer's signing keys, if not `<issuer>/.well-known/jwks.json`. */
  RT_AUTH_JWKS_URI: z.url({ protocol: /^https$/, error: "must be an https URL" }).optional(),
  /** The signing keys themselves (a JWKS as JSON), if the issuer cannot be reached from the network. */
  RT_AUTH_JWKS: z.string().refine(isJwks, "must be a JWKS as JSON, with at least one key that has a kid").optional(),
});

const httpUrl = z.url({ protocol: /^https?$/, error: "must be an https URL" });

/** The table and the API of the managed edge, for its functions. */
export const edgeEnvironment = z.object({
  /** The table of connections and subscriptions. */
  RT_EDGE_TABLE: z.string().min(3).max(255),
  /**
   * The address that messages for connections are posted to:
   * `https://<api>.execute-api.<region>.amazonaws.com/<stage>`.
   */
  RT_EDGE_MANAGEMENT_URL: httpUrl,
  /** Set by Lambda: a dimension of the metrics. */
  AWS_LAMBDA_FUNCTION_NAME: z.string().min(1).default("none"),
});

/** The queue on which publishers enqueue hints for the managed edge. */
export const edgeQueueEnvironment = z.object({
  /** The SQS FIFO queue. Without it there is no managed edge, and no hints are enqueued. */
  RT_EDGE_QUEUE_URL: httpUrl.optional(),
});

/** The failure queue of a publisher function. */
export const failureQueueEnvironment = z.object({
  /** The SQS queue. Without it invalid events are left to the retries of the event source. */
  RT_FAILURE_QUEUE_URL: httpUrl.optional(),
  /** Set by Lambda. */
  AWS_LAMBDA_FUNCTION_NAME: z.string().min(1).default("none"),
});

/** The checks of publishers. */
export const publishingEnvironment = z.object({
  /**
   * Furthest that a version (or `data.time`) may be ahead of Redis's clock, in ms. Must be the same for all publishers of
   * a stream: a version that one of them accepts makes those of the others stale until that time.
   */
  RT_MAXIMUM_CLOCK_SKEW_MS: z.coerce.number().int().min(0).max(3_600_000).default(DEFAULT_CLOCK_SKEW_MS),
});

/** The rotation of one Redis user's password. */
export const rotationEnvironment = z.object({
  /** The ElastiCache user whose password is rotated; Redis knows it by the name in `RT_REDIS_USERNAME`. */
  RT_REDIS_USER_ID: z.string().min(1),
});

/** The fan-out of the managed edge. */
export const edgeFanOutEnvironment = z.object({
  /**
   * Time for which an invocation with little to do pauses, in ms, so that what arrives meanwhile goes out together: fewer
   * messages to pay for, and that much more delay between updates. Only with an event source of few concurrent
   * invocations.
   */
  RT_EDGE_WINDOW_MS: z.coerce.number().int().min(0).max(5_000).default(0),
});

/** Thrown if environment variables are missing or invalid; the message names each of them. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/**
 * Parses settings that are text, such as environment variables.
 *
 * @param subject names the settings in the error.
 * @throws ConfigurationError that lists every setting that is missing or invalid, never a value.
 */
export function parseEnvironment<T>(
  schema: z.ZodType<T>,
  settings: Readonly<Record<string, string | undefined>>,
  subject = "environment",
): T {
  const result = schema.safeParse(settings);
  if (result.success) return Object.freeze(result.data);
  const problems = result.error.issues.map((issue) => describeIssue(new z.ZodError([issue])));
  throw new ConfigurationError(`invalid ${subject}:\n  ${problems.join("\n  ")}`);
}
