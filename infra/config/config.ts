import * as z from "zod";
import { ConfigurationError } from "../../kernel/env.ts";
import { cacheSchema } from "./cache-section.ts";
import { networkSchema } from "./network-section.ts";
import { isRegion } from "./regions.ts";
import { rotationSchema } from "./rotation-section.ts";
import { findProblems } from "./rules.ts";
import { authSchema, costSchema, edgeSchema, eventsSchema, gatewaySchema, managedEdgeSchema } from "./sections.ts";

/** The retention periods of CloudWatch that make sense here, in days. */
const retentionDays = z.union([1, 3, 7, 14, 30, 60, 90, 180, 365].map((days) => z.literal(days)));

/** The schema of an environment: everything that may differ between two deployments of the system. */
export const environmentSchema = z
  .strictObject({
    region: z
      .string()
      .refine(isRegion, "must be the name of a region, such as eu-west-1")
      .default("us-east-1")
      .describe(
        "The region of all stacks. Known at synth, since load balancer logs need it. Cost: prices differ by region.",
      ),
    protection: z
      .boolean()
      .default(false)
      .describe(
        "Protects load balancer, user pool, the table of connections and the stacks from deletion. Off, so that nothing is left of a trial. Cost: none.",
      ),
    logRetentionDays: retentionDays
      .default(7)
      .describe("The days for which logs are kept. A week is enough to find a fault. Cost: $0.03 a GB and month."),
    alarmEmail: z
      .email("must be an e-mail address")
      .optional()
      .describe(
        "The address that alarms and the budget notify. A protected environment needs one. None: alarms are shown only in the console. Cost: none.",
      ),
    network: networkSchema.prefault({}),
    cache: cacheSchema.prefault({}),
    gateway: gatewaySchema.prefault({}),
    managedEdge: managedEdgeSchema.prefault({}),
    events: eventsSchema.prefault({}),
    auth: authSchema.prefault({}),
    cost: costSchema.prefault({}),
    edge: edgeSchema.prefault({}),
    rotation: rotationSchema.prefault({}),
  })
  .superRefine((config, context) => {
    for (const { path, message } of findProblems(config)) context.addIssue({ code: "custom", path, message });
  });

/** The configuration of one environment, with every default filled in. */
export type EnvironmentConfig = z.infer<typeof environmentSchema> & {
  /** The environment's name: the prefix of its stacks and of the few resources that need a name. */
  readonly name: string;
};

/** ElastiCache, whose resource names contain it, does not accept two hyphens in a row. */
const ENVIRONMENT_NAME = /^(?=.{1,20}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

const environmentsSchema = z.record(z.string(), z.unknown());

/**
 * Picks and parses one environment of `environments` (in `cdk.json`).
 *
 * @throws ConfigurationError with one sentence per invalid field: its name and the allowed values.
 */
export function parseConfig(name: unknown, environments: unknown): EnvironmentConfig {
  const all = environmentsSchema.safeParse(environments);
  if (!all.success) throw new ConfigurationError("cdk.json: context.environments must be an object of environments");
  if (typeof name !== "string" || !Object.hasOwn(all.data, name)) {
    const known = Object.keys(all.data).join(", ");
    throw new ConfigurationError(`environment: must be one of ${known} (-c environment=…), not ${String(name)}`);
  }
  if (!ENVIRONMENT_NAME.test(name)) {
    throw new ConfigurationError(
      `environment ${name}: a name has 1 to 20 lower-case letters and digits, single hyphens between them, and begins with a letter`,
    );
  }
  const result = environmentSchema.safeParse(all.data[name]);
  if (result.success) return Object.freeze({ name, ...result.data });
  const problems = result.error.issues.map(
    ({ path, message }) => `environment ${name}: ${path.length > 0 ? `${path.join(".")}: ` : ""}${message}`,
  );
  throw new ConfigurationError(problems.join("\n"));
}
