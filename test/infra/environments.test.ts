import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { gatewayEnvironment } from "../../gateway/config.ts";
import {
  authEnvironment,
  edgeEnvironment,
  edgeFanOutEnvironment,
  edgeQueueEnvironment,
  failureQueueEnvironment,
  parseEnvironment,
  publishingEnvironment,
  redisEnvironment,
  rotationEnvironment,
} from "../../kernel/env.ts";
import { redisSecretEnvironment } from "../../kernel/redis/redis-secret.ts";
import {
  edgeFunctionsOf,
  gatewayContainer,
  gatewayVariants,
  publishersOf,
  type Resource,
  rotationsOf,
  synthesize,
  variants,
} from "./synthesize.ts";

/** Returns a value as CloudFormation resolves it: a plausible one for what is known only at deploy. */
const resolve = (value: unknown): string =>
  typeof value === "string"
    ? value
    : JSON.stringify(value).includes("rediss://")
      ? "rediss://cache.example.com:6379"
      : /QueueUrl|execute-api|Hints|FailureQueue|Failures/.test(JSON.stringify(value))
        ? "https://edge.example.com/ws"
        : JSON.stringify(value).includes("cognito-idp")
          ? "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1Cd2Ef3"
          : JSON.stringify(value).includes("LoadBalancerTasks")
            ? "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/tasks/0123456789abcdef"
            : "arn:aws:secretsmanager:us-east-1:111122223333:secret:Password";

const resolveAll = (variables: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, resolve(value)]));

describe.each(gatewayVariants)("%s", (_name, fields) => {
  const synthesis = synthesize(fields);

  it("sets exactly the variables that the gateway parses", () => {
    const { environment, container } = gatewayContainer(synthesis);
    const config = parseEnvironment(gatewayEnvironment, resolveAll(environment));

    expect(Object.keys(environment).filter((name) => !(name in gatewayEnvironment.shape))).toEqual([]);
    expect(config).toMatchObject({
      RT_PORT: container.PortMappings[0].ContainerPort,
      RT_REDIS_CLUSTER: true,
      RT_EMF: true,
    });
  });
});

/** Variables that Lambda and its libraries read. */
const OTHERS = ["POWERTOOLS_SERVICE_NAME", "NODE_OPTIONS"];

/** Parses a function's variables as its own entry file does, and returns the names of those that it does not use. */
function parseVariables(schema: z.ZodObject, { Properties }: Resource) {
  const variables = resolveAll(Properties.Environment.Variables);
  const unknown = Object.keys(variables).filter((name) => !(name in schema.shape) && !OTHERS.includes(name));
  return { config: parseEnvironment(schema, variables), unknown };
}

const redisSchema = redisEnvironment.extend(redisSecretEnvironment.shape);

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const hasEdge = synthesis.config.managedEdge.enabled;

  it("sets exactly the variables that every publisher parses", () => {
    const schema = redisSchema
      .extend(edgeQueueEnvironment.shape)
      .extend(publishingEnvironment.shape)
      .extend(failureQueueEnvironment.shape);

    for (const publisher of publishersOf(synthesis)) {
      const { config, unknown } = parseVariables(schema, publisher);
      expect(config).toMatchObject({ RT_REDIS_CLUSTER: true, RT_REDIS_USERNAME: "publisher" });
      expect("RT_EDGE_QUEUE_URL" in config).toBe(hasEdge);
      expect(unknown).toEqual([]);
    }
  });

  it("sets exactly the variables that every function of the managed edge parses", () => {
    const schemas: Readonly<Record<string, z.ZodObject>> = {
      authorizer: authEnvironment,
      connection: edgeEnvironment.pick({ RT_EDGE_TABLE: true }),
      messages: redisSchema.extend(authEnvironment.shape).extend(edgeEnvironment.shape),
      fanout: redisSchema
        .extend(edgeEnvironment.shape)
        .extend(edgeQueueEnvironment.shape)
        .extend(edgeFanOutEnvironment.shape),
    };

    const seen = edgeFunctionsOf(synthesis).map((lambda) => {
      const [name, schema] = Object.entries(schemas).find(([start]) => lambda.logicalId.startsWith(start)) ?? [];
      if (!schema) throw new Error(`no schema is listed for ${lambda.logicalId}`);
      expect(parseVariables(schema, lambda).unknown).toEqual([]);
      return name;
    });

    expect(seen.toSorted()).toEqual(hasEdge ? Object.keys(schemas).toSorted() : []);
  });

  it("sets exactly the variables that the functions which rotate passwords parse", () => {
    for (const rotation of rotationsOf(synthesis)) {
      expect(parseVariables(redisSchema.extend(rotationEnvironment.shape), rotation).unknown).toEqual([]);
    }
  });
});
