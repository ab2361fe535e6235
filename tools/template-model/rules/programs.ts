import * as z from "zod";
import { handshakesPerSecond } from "../../../infra/constructs/support/gateway-settings.ts";
import { type RedisRole, redisRoles } from "../../../infra/constructs/support/redis-users.ts";
import type { ProgramFacts } from "../code-facts.ts";
import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { secretOf, userOf } from "./cache.ts";
import { cacheOf, portOf } from "./paths.ts";

/** A program of ours as the templates deploy it. */
export interface Program {
  readonly resource: Resource;
  readonly facts: ProgramFacts;
  /** The name of its handler, or `gateway`. */
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Returns true for CDK's function behind custom resources. */
export const isOfCdk = ({ logicalId }: Resource): boolean =>
  logicalId.startsWith("AWS679f53fac002430cb0da5b7982bd2287");

const plain = (name: string): string => name.replaceAll("-", "");

/** Returns the role whose password a function rotates, by the construct that it is in: one of the rotation stack. */
export const rotatedRoleOf = ({ stack, logicalId }: Resource): RedisRole | undefined =>
  stack.endsWith("-rotation") ? redisRoles.find((role) => logicalId.startsWith(`${plain(role)}Function`)) : undefined;

/** Returns the handler of a function, by the construct that it is in. */
export const handlerOf = (model: Model, resource: Resource): string | undefined =>
  rotatedRoleOf(resource) === undefined
    ? Object.keys(model.code.functions).find((name) => resource.logicalId.startsWith(`${plain(name)}Function`))
    : "rotation";

function functionsOf(model: Model): Program[] {
  return model.ofType("AWS::Lambda::Function").flatMap((resource) => {
    const name = handlerOf(model, resource);
    const facts = name === undefined ? undefined : model.code.functions[name];
    const variables = resource.properties.Environment?.Variables ?? {};
    return name !== undefined && facts ? [{ resource, facts, name, variables }] : [];
  });
}

function gatewaysOf(model: Model): Program[] {
  return model.ofType("AWS::ECS::TaskDefinition").map((resource) => {
    const container = gatewayContainerOf(resource);
    const list: readonly { Name: string; Value: string }[] = container?.Environment ?? [];
    const variables = Object.fromEntries(list.map(({ Name, Value }) => [Name, Value]));
    return { resource, facts: model.code.gateway, name: "gateway", variables };
  });
}

/** Returns the container of the gateway: the one that Redis's address is given to. */
// biome-ignore lint/suspicious/noExplicitAny: as for Resource.properties
export const gatewayContainerOf = ({ properties }: Resource): any =>
  properties.ContainerDefinitions?.find(({ Environment = [] }: { Environment?: { Name: string }[] }) =>
    Environment.some(({ Name }) => Name === "RT_PORT"),
  ) ?? properties.ContainerDefinitions?.[0];

/** Returns every program of ours. */
export const programsOf = (model: Model): Program[] => [...functionsOf(model), ...gatewaysOf(model)];

/** Variables that Lambda, Node and libraries read. */
const others = ["POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "NODE_OPTIONS"];

/** What a reference may look like when it is deployed, so that a schema can parse it. */
function plausible(name: string, value: string): string {
  const isReference = /^\$\{[\w-]+\/\w+\}$/.test(value);
  if (isReference && name === "RT_REDIS_SECRET_ARN")
    return "arn:aws:secretsmanager:us-east-1:111122223333:secret:example";
  if (isReference && name === "RT_TARGET_GROUP_ARN")
    return "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/example/0a1b2c3d4e5f6071";
  if (isReference) return "https://sqs.us-east-1.amazonaws.com/111122223333/example";
  return value.replaceAll(/\$\{[^}]+\}/g, "example.com");
}

/** Each program gets the variables that it requires, none that it does not read, and values that it parses. */
const variablesRule: Rule = (model) =>
  programsOf(model).flatMap(({ resource, facts, variables }) => {
    const unread = Object.keys(variables).filter((name) => !(name in facts.variables || others.includes(name)));
    const deployed = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, plausible(name, String(value))]),
    );
    const result = z.object(facts.variables).safeParse(deployed);
    return [
      ...unread.map((name) => ({
        resource: resource.name,
        problem: `sets ${name}, which ${facts.entry} does not read`,
      })),
      ...(result.error?.issues ?? []).map(({ path, message }) => ({
        resource: resource.name,
        problem: `${path.join(".")}: ${message}`,
      })),
    ];
  });

/** The role of a program in Redis. */
function roleOf({ resource, name, facts }: Program): string {
  if (name === "gateway") return "gateway";
  return rotatedRoleOf(resource) ?? (facts.entry.includes("managed-edge") ? "managed-edge" : "publisher");
}

/** Program → address, user → password of that user. */
const redisRule: Rule = (model) =>
  programsOf(model).flatMap((program) => {
    const { resource, facts, variables } = program;
    if (!("RT_REDIS_URL" in facts.variables)) return [];
    const cache = cacheOf(model);
    const attribute =
      cache?.type === "AWS::ElastiCache::ReplicationGroup" ? "ConfigurationEndPoint.Address" : "Endpoint.Address";
    const user = userOf(model, variables.RT_REDIS_USERNAME);
    const secret = user && secretOf(model, user);
    return failed(resource, {
      "has another address than the cache's, or no TLS":
        cache && variables.RT_REDIS_URL === `rediss://${referenceTo(cache, attribute)}:${portOf(cache)}`,
      "does not expect a cluster": variables.RT_REDIS_CLUSTER === "true",
      "is not the user of its role": variables.RT_REDIS_USERNAME === roleOf(program),
      "has the password of somebody else": secret && variables.RT_REDIS_SECRET_ARN === referenceTo(secret),
      "has a password in its environment": !("RT_REDIS_PASSWORD" in variables),
    });
  });

/** The issuer of tokens: the pool of the templates and its client, or the configured one. */
function issuerOf(model: Model): { issuer: string; audience: string } | undefined {
  const { issuer, audience } = model.config.auth;
  if (issuer !== undefined && audience !== undefined) return { issuer, audience };
  const [pool] = model.ofType("AWS::Cognito::UserPool");
  const [client] = model.ofType("AWS::Cognito::UserPoolClient");
  if (!pool || !client || client.properties.UserPoolId !== referenceTo(pool)) return undefined;
  return {
    issuer: `https://cognito-idp.${model.config.region}.amazonaws.com/${referenceTo(pool)}`,
    audience: referenceTo(client),
  };
}

const issuerRule: Rule = (model) =>
  programsOf(model)
    .filter(({ facts }) => "RT_AUTH_ISSUER" in facts.variables)
    .flatMap(({ resource, variables }) => {
      const expected = issuerOf(model);
      const { jwksUri, jwks } = model.config.auth;
      return failed(resource, {
        "trusts another issuer": expected && variables.RT_AUTH_ISSUER === expected.issuer,
        "takes tokens for another audience": expected && variables.RT_AUTH_AUDIENCE === expected.audience,
        "has other keys than configured": variables.RT_AUTH_JWKS_URI === jwksUri && variables.RT_AUTH_JWKS === jwks,
      });
    });

/** The longest that a function may run, in seconds: API Gateway waits 29 s, no queue of ours longer than this. */
const LONGEST_SECONDS = 120;

/** What every function of ours runs with. */
const functionRule: Rule = (model) =>
  programsOf(model)
    .filter(({ resource }) => resource.type === "AWS::Lambda::Function")
    .flatMap(({ resource, name, variables }) =>
      failed(resource, {
        // ElastiCache takes minutes to carry a new password to every node.
        "has too little time, or too much":
          name === "rotation"
            ? resource.properties.Timeout >= 5 * LONGEST_SECONDS
            : resource.properties.Timeout <= LONGEST_SECONDS,
        "runs on another processor than it is built for": resource.properties.Architectures?.[0] === "arm64",
        "has another handler than its bundle": resource.properties.Handler === "index.handler",
        "has too little memory, or pays for too much":
          resource.properties.MemorySize >= 256 && resource.properties.MemorySize <= 2_048,
        "has no name in its log": variables.POWERTOOLS_SERVICE_NAME,
        "shows places in its bundle for places in the sources": variables.NODE_OPTIONS === "--enable-source-maps",
      }),
    );

/** The values of the configuration that reach a program unchanged. */
const configured = (model: Model): Readonly<Record<string, string>> => ({
  RT_MAXIMUM_CLOCK_SKEW_MS: String(model.config.events.maximumClockSkewMs),
  RT_EDGE_WINDOW_MS: String(model.config.managedEdge.windowMs),
  RT_CORS_ORIGINS: model.config.gateway.corsOrigins.join(","),
  RT_TRANSPORTS: model.config.gateway.polling ? "websocket,polling" : "websocket",
  RT_LOG_LEVEL: model.config.gateway.logLevel,
  RT_MAX_CONNECTIONS: String(model.config.gateway.maxConnections),
  RT_DRAIN_SECONDS: String(model.config.gateway.drainSeconds),
  RT_FAN_OUT_WINDOW_MS: String(model.config.gateway.fanOutWindowMs),
  RT_WHOLE_VALUE_RATE: String(model.config.gateway.wholeValueRate),
  RT_COMPRESSION: String(model.config.gateway.compression),
  RT_HANDSHAKES_PER_SECOND: String(handshakesPerSecond(model.config.gateway.cpu)),
  RT_ENVIRONMENT: model.config.name,
  RT_EMF: "true",
});

const configuredRule: Rule = (model) =>
  programsOf(model).flatMap(({ resource, facts, variables }): Finding[] =>
    Object.entries(configured(model))
      .filter(([name]) => name in facts.variables)
      .flatMap(([name, value]) =>
        failed(resource, { [`${name} is not what the configuration asks for`]: variables[name] === value }),
      ),
  );

/** Every function is one of ours, and every handler that the environment has is deployed. */
const deployedRule: Rule = (model) => {
  const lambdas = model.ofType("AWS::Lambda::Function");
  const names = lambdas.map((resource) => handlerOf(model, resource));
  const { managedEdge, gateway, rotation } = model.config;
  const expected = Object.entries(model.code.functions).filter(
    ([name, { entry }]) =>
      (managedEdge.enabled || !entry.includes("managed-edge")) && (rotation.enabled || name !== "rotation"),
  );
  return [
    ...lambdas.flatMap((resource, index) =>
      failed(resource, {
        "is a function that the model does not know": names[index] !== undefined || isOfCdk(resource),
      }),
    ),
    ...expected.flatMap(([name]) => failed({ name: `function ${name}` }, { "is not deployed": names.includes(name) })),
    ...failed(
      { name: "gateway" },
      { "is not deployed as configured": (model.ofType("AWS::ECS::Service").length === 1) === gateway.enabled },
    ),
  ];
};

/** The rules of what programs are given: variables, users, passwords, issuer. */
export const programRules: readonly Rule[] = [
  variablesRule,
  redisRule,
  issuerRule,
  functionRule,
  configuredRule,
  deployedRule,
];
