import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildSync } from "esbuild";
import * as z from "zod";
import { gatewayEnvironment } from "../../gateway/config.ts";
import {
  authEnvironment,
  edgeEnvironment,
  edgeFanOutEnvironment,
  edgeQueueEnvironment,
  failureQueueEnvironment,
  publishingEnvironment,
  redisEnvironment,
  rotationEnvironment,
} from "../../kernel/env.ts";
import { redisSecretEnvironment } from "../../kernel/redis/redis-secret.ts";
import { tracingEnvironment } from "../../kernel/tracing/open-tracer.ts";

const root = join(import.meta.dirname, "../..");

/** What a program of ours reads and calls. */
export interface ProgramFacts {
  /** Its file, relative to the repository. */
  readonly entry: string;
  /** The variables that it parses, each with its schema. */
  readonly variables: Readonly<Record<string, z.ZodType>>;
  /** The AWS calls in its bundle, as IAM actions. */
  readonly actions: readonly string[];
}

/** What the templates must provide: read from the code, so that a change of it changes the checks. */
export interface CodeFacts {
  readonly gateway: ProgramFacts;
  /** By the name of the handler's file, such as `market-data`. */
  readonly functions: Readonly<Record<string, ProgramFacts>>;
  /** The paths that the gateway answers on its public port. */
  readonly healthPaths: readonly string[];
}

const publisher = {
  ...redisEnvironment.shape,
  ...redisSecretEnvironment.shape,
  ...edgeQueueEnvironment.shape,
  ...failureQueueEnvironment.shape,
  ...publishingEnvironment.shape,
  ...tracingEnvironment.shape,
};

const rotation = {
  ...redisEnvironment.shape,
  ...rotationEnvironment.shape,
  RT_REDIS_SECRET_ARN: z.string().startsWith("arn:", "must be the ARN of a secret"),
};

const edgeWithRedis = { ...redisEnvironment.shape, ...redisSecretEnvironment.shape, ...edgeEnvironment.shape };

/** The variables of the managed edge's functions; those of publishers are the same for each. */
const edge: Readonly<Record<string, z.ZodRawShape>> = {
  authorizer: authEnvironment.shape,
  connection: { RT_EDGE_TABLE: edgeEnvironment.shape.RT_EDGE_TABLE },
  messages: { ...edgeWithRedis, ...authEnvironment.shape },
  "fan-out": {
    ...edgeWithRedis,
    ...edgeQueueEnvironment.shape,
    ...edgeFanOutEnvironment.shape,
    ...tracingEnvironment.shape,
  },
};

/** The services of the SDK's packages, as IAM names them. */
const services: Readonly<Record<string, string>> = {
  "client-secrets-manager": "secretsmanager",
  "client-sqs": "sqs",
  "client-elasticache": "elasticache",
  "client-elastic-load-balancing-v2": "elasticloadbalancing",
  "client-dynamodb": "dynamodb",
  "lib-dynamodb": "dynamodb",
  "client-apigatewaymanagementapi": "execute-api",
};

/** Commands whose action has another name: batches of messages, and the document client's short names. */
const renamed: Readonly<Record<string, string>> = {
  SendMessageBatch: "SendMessage",
  PostToConnection: "ManageConnections",
  DeleteConnection: "ManageConnections",
  GetConnection: "ManageConnections",
  Put: "PutItem",
  Get: "GetItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  BatchWrite: "BatchWriteItem",
  BatchGet: "BatchGetItem",
};

const SDK = /(?:\{([^{}]*)\}\s*(?:from\s*|=\s*await\s+import\())"@aws-sdk\/([\w-]+)"/g;

/** Bundles a program without the SDK, which leaves the names of the commands that it uses, and returns the actions. */
function actionsOf(entry: string): readonly string[] {
  const { outputFiles } = buildSync({
    entryPoints: [join(root, entry)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    external: ["@aws-sdk/*", "@smithy/*"],
    logLevel: "silent",
  });
  const text = outputFiles[0]?.text ?? "";
  const actions = [...text.matchAll(SDK)].flatMap(([, names = "", name = ""]) => {
    const service = services[name];
    if (service === undefined) throw new Error(`${entry} uses @aws-sdk/${name}: add its IAM name to code-facts.ts`);
    const commands = [...names.matchAll(/\b(\w+)Command\b/g)].map(([, command = ""]) => command);
    return commands.map((command) => `${service}:${renamed[command] ?? command}`);
  });
  return [...new Set(actions)];
}

const nameOf = (entry: string): string => basename(entry, ".handler.ts");

function variablesOf(entry: string): z.ZodRawShape {
  if (entry.includes("managed-edge")) return edge[nameOf(entry)] ?? {};
  return entry.includes("rotation") ? rotation : publisher;
}

function functionFacts(): Record<string, ProgramFacts> {
  const entries = globSync("lambdas/**/*.handler.ts", { cwd: root });
  return Object.fromEntries(
    entries.map((entry) => {
      const variables = variablesOf(entry) as Record<string, z.ZodType>;
      return [nameOf(entry), { entry, variables, actions: actionsOf(entry) }];
    }),
  );
}

let facts: CodeFacts | undefined;

/** Returns what the templates must provide. Bundles each program once in a process. */
export function readCodeFacts(): CodeFacts {
  const health = readFileSync(join(root, "gateway/health.ts"), "utf8");
  facts ??= {
    gateway: {
      entry: "gateway/main.ts",
      variables: gatewayEnvironment.shape as Record<string, z.ZodType>,
      actions: actionsOf("gateway/main.ts"),
    },
    functions: functionFacts(),
    healthPaths: [...health.matchAll(/path === "([^"]+)"/g)].map(([, path = ""]) => path),
  };
  return facts;
}
