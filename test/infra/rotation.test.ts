import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../infra/config/config.ts";
import { accessStrings, redisRoles } from "../../infra/constructs/support/redis-users.ts";
import { invokeBundle, provideRuntime } from "../../tools/infra-report/invoke-bundle.ts";
import { type RotationSystem, secretArn, startRotationSystem } from "../support/rotation-system.ts";
import { codeOf, context, type Resource, rotationsOf, type Synthesis, synthesize, variants } from "./synthesize.ts";

/** Returns the logical id of a secret or of its user's password, also where another stack imports it. */
const secretOf = (value: unknown): string | undefined =>
  /(gateway|publisher|managededge)Password[0-9A-F]{8}/.exec(JSON.stringify(value))?.[0];

/** Returns the resource of a type in a rotation's own construct. */
function besides(synthesis: Synthesis, lambda: Resource, type: string): Resource {
  const [start = ""] = lambda.logicalId.split("Function");
  const found = synthesis
    .ofType(type)
    .filter(({ stack, logicalId }) => stack === lambda.stack && logicalId.startsWith(start));
  if (found.length !== 1) throw new Error(`not one but ${found.length} of ${type} beside ${lambda.logicalId}`);
  return found[0] as Resource;
}

const withRotation = Object.entries(variants).filter(
  ([, fields]) => parseConfig("test", { test: fields }).rotation.enabled,
);

describe.each(withRotation)("%s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, ofType } = synthesis;
  const rotations = rotationsOf(synthesis);
  const userOf = (name: string) => {
    const user = ofType("AWS::ElastiCache::User").find(({ Properties }) => Properties.UserName === name);
    if (!user) throw new Error(`the template has no user ${name}`);
    return user.Properties;
  };

  it("rotates the password of every user of Redis, each with a function that can change no other", () => {
    const changed = rotations.map((lambda) => {
      const { RT_REDIS_USERNAME, RT_REDIS_USER_ID, RT_REDIS_SECRET_ARN } = lambda.Properties.Environment.Variables;
      const user = userOf(RT_REDIS_USERNAME);
      const secret = secretOf(user.AuthenticationMode.Passwords);
      const { Statement } = besides(synthesis, lambda, "AWS::IAM::Policy").Properties.PolicyDocument;

      expect(user.UserId).toBe(RT_REDIS_USER_ID);
      expect(secretOf(RT_REDIS_SECRET_ARN)).toBe(secret);
      expect(Statement.map(({ Action }: { Action: string[] }) => Action)).toEqual([
        ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"].map(
          (a) => `secretsmanager:${a}`,
        ),
        ["elasticache:DescribeUsers", "elasticache:ModifyUser"],
      ]);
      expect(secretOf(Statement[0].Resource)).toBe(secret);
      expect(JSON.stringify(Statement[1].Resource)).toMatch(new RegExp(`:user:${RT_REDIS_USER_ID}"`));
      return RT_REDIS_USERNAME;
    });

    expect(changed.toSorted()).toEqual(Object.keys(accessStrings).toSorted());
    expect(ofType("AWS::ElastiCache::User")).toHaveLength(rotations.length);
  });

  it("has Secrets Manager invoke the function of each secret on a schedule, for that secret alone", () => {
    for (const lambda of rotations) {
      const own = { "Fn::GetAtt": [lambda.logicalId, "Arn"] };
      const schedule = besides(synthesis, lambda, "AWS::SecretsManager::RotationSchedule");
      const permission = besides(synthesis, lambda, "AWS::Lambda::Permission");
      const secret = secretOf(lambda.Properties.Environment.Variables.RT_REDIS_SECRET_ARN);

      expect(secretOf(schedule.Properties.SecretId)).toBe(secret);
      expect(schedule.Properties.RotationLambdaARN).toEqual(own);
      expect(schedule.Properties.RotationRules).toEqual({ AutomaticallyAfterDays: config.rotation.everyDays });
      expect(schedule.DependsOn).toContain(permission.logicalId);
      expect(permission.Properties).toMatchObject({
        FunctionName: own,
        Principal: "secretsmanager.amazonaws.com",
      });
      expect(secretOf(permission.Properties.SourceArn)).toBe(secret);
    }
  });

  it("has an alarm on the errors of each function", () => {
    for (const lambda of rotations) {
      const { Properties } = besides(synthesis, lambda, "AWS::CloudWatch::Alarm");
      expect(Properties).toMatchObject({
        Namespace: "AWS/Lambda",
        MetricName: "Errors",
        Statistic: "Sum",
        Threshold: 0,
      });
      expect(Properties.Dimensions).toEqual([{ Name: "FunctionName", Value: { Ref: lambda.logicalId } }]);
    }
  });

  it("comes after the consumers that read the secrets again", () => {
    const dependencies = synthesis.assembly.stacks
      .find(({ stackName }) => stackName.endsWith("-rotation"))
      ?.dependencies.map(({ id }) => id.replace(/^.*-realtime-/, ""));
    expect(dependencies).toEqual(
      expect.arrayContaining([...(config.gateway.enabled ? ["gateway"] : []), "domain-events"]),
    );
  });
});

it("rotates nothing unless it is asked to", () => {
  const synthesis = synthesize(context.environments.dev);
  expect(rotationsOf(synthesis)).toEqual([]);
  expect(synthesis.ofType("AWS::SecretsManager::RotationSchedule")).toEqual([]);
});

describe("the function as it is deployed", { timeout: 600_000 }, () => {
  const synthesis = synthesize({ rotation: { enabled: true } }, { bundle: true });
  let system: RotationSystem;
  beforeAll(async () => {
    provideRuntime(synthesis.assembly.directory);
    system = await startRotationSystem("a single Redis");
  });
  afterAll(() => system.stop());

  it.each(redisRoles)("rotates the password of %s", async (role) => {
    const lambda = rotationsOf(synthesis).find(
      ({ Properties }) => Properties.Environment.Variables.RT_REDIS_USERNAME === role,
    );
    if (!lambda) throw new Error(`no function rotates ${role}`);
    const old = system.secrets.valueOf(secretArn(role));
    const environment = {
      ...lambda.Properties.Environment.Variables,
      ...system.environment(role),
      PATH: process.env.PATH,
    };
    const invoke = async (event: unknown): Promise<void> => {
      const bundle = join(codeOf(synthesis, lambda), "index.mjs");
      const { code, stderr } = await invokeBundle({ bundle, handler: "handler", event, environment });
      if (code !== 0) throw new Error(stderr);
    };

    await system.secrets.rotate(secretArn(role), invoke);

    const current = system.secrets.valueOf(secretArn(role));
    expect(current).not.toBe(old);
    expect([await system.accepts(role, current), await system.accepts(role, old)]).toEqual([true, true]);
  });
});
