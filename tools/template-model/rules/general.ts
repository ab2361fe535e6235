import { type Finding, failed, type Rule } from "../model.ts";
import { cacheShapes } from "../shapes/cache.ts";
import { entranceShapes } from "../shapes/entrance.ts";
import { functionShapes } from "../shapes/functions.ts";
import { gatewayShapes } from "../shapes/gateway.ts";
import { networkShapes } from "../shapes/network.ts";
import { serviceShapes } from "../shapes/services.ts";
import type { Shapes } from "../shapes/shape.ts";

const shapes: Shapes = {
  ...networkShapes,
  ...cacheShapes,
  ...gatewayShapes,
  ...entranceShapes,
  ...functionShapes,
  ...serviceShapes,
};

/** Every resource has the properties of its type, with values that can work, and no others. */
const shapesRule: Rule = ({ resources }) =>
  resources.flatMap(({ name, type, properties }) => {
    const schema = shapes[type];
    if (!schema)
      return [
        { resource: name, problem: `has the type ${type}, which the model does not know: describe it in shapes` },
      ];
    const result = schema.safeParse(properties);
    if (result.success) return [];
    return result.error.issues.map((issue) => ({
      resource: name,
      problem: `${issue.path.join(".")}: ${issue.message}`,
    }));
  });

const danglingRule: Rule = ({ dangling }) => [...dangling];

const SECRET_NAME = /(?<!Access|Refresh|Id)(password|secret|token|credential|api_?key)$/i;
const SECRET_REFERENCE = "{{resolve:secretsmanager:";

function* textsOf(value: unknown, path: string[] = []): Generator<readonly [string[], string]> {
  if (typeof value === "string") yield [path, value];
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item, path);
  else if (typeof value === "object" && value !== null)
    for (const [key, item] of Object.entries(value)) yield* textsOf(item, [...path, key]);
}

/** Passwords are neither in the templates nor, by a dynamic reference, in what the console shows of a resource. */
const plainSecretsRule: Rule = ({ resources }) =>
  resources.flatMap(({ name, type, properties }) => {
    const findings: Finding[] = [];
    for (const [path, value] of textsOf(properties)) {
      const isReference = value.startsWith(SECRET_REFERENCE) || value.startsWith("${");
      const isPassword = type === "AWS::ElastiCache::User" && path.at(-1) === "Passwords";
      if ((SECRET_NAME.test(path.at(-1) ?? "") || isPassword) && !isReference) {
        findings.push({ resource: name, problem: `${path.join(".")} is a secret in plain text` });
      }
      if (value.includes(SECRET_REFERENCE) && !isPassword) {
        findings.push({
          resource: name,
          problem: `${path.join(".")} shows a secret to whoever may describe the resource`,
        });
      }
    }
    return findings;
  });

const keptTypes: Readonly<Record<string, "always" | "protected">> = {
  "AWS::S3::Bucket": "always",
  "AWS::Kinesis::Stream": "always",
  "AWS::ApiGateway::Account": "always",
  "AWS::Cognito::UserPool": "protected",
};

const deletable = new Set([
  "AWS::Logs::LogGroup",
  "AWS::SQS::Queue",
  "AWS::DynamoDB::Table",
  "AWS::SecretsManager::Secret",
]);

/** What holds data of value is kept when its stack is deleted, and what does not is not left behind. */
const deletionRule: Rule = ({ resources, config }) =>
  resources.flatMap((resource) => {
    const { DeletionPolicy, UpdateReplacePolicy } = resource.raw;
    const kept = keptTypes[resource.type];
    if (kept === undefined && !deletable.has(resource.type)) return [];
    const expected = kept === "always" || (kept === "protected" && config.protection) ? "Retain" : "Delete";
    return failed(resource, {
      [`has to be ${expected === "Retain" ? "retained" : "deleted"} with its stack`]: DeletionPolicy === expected,
      "has another policy when it is replaced than when it is deleted": UpdateReplacePolicy === DeletionPolicy,
    });
  });

const retentionRule: Rule = (model) =>
  model.ofType("AWS::Logs::LogGroup").flatMap((group) =>
    failed(group, {
      "keeps its logs for another time than logRetentionDays": [model.config.logRetentionDays, 7].includes(
        group.properties.RetentionInDays,
      ),
    }),
  );

/** Rules that hold for resources of any type. */
export const generalRules: readonly Rule[] = [shapesRule, danglingRule, plainSecretsRule, deletionRule, retentionRule];
