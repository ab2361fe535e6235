import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnPermission } from "aws-cdk-lib/aws-lambda";
import type { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { CfnRotationSchedule } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { alarmOn } from "./support/alarm-on.ts";
import { createFunction, type FunctionCode } from "./support/create-function.ts";
import { functionVariables, redisVariables } from "./support/environment.ts";
import type { FunctionNetwork } from "./support/function-network.ts";
import type { RedisAccess } from "./support/redis-access.ts";
import { type RedisRole, redisUserId } from "./support/redis-users.ts";

export interface RedisRotationProps {
  readonly environmentName: string;
  readonly role: RedisRole;
  readonly redis: RedisAccess;
  readonly code: FunctionCode;
  readonly network: FunctionNetwork;
  readonly everyDays: number;
  readonly alarmTopic: ITopic;
  readonly logRetentionDays: number;
}

/** As AWS asks for: ElastiCache may take minutes to carry a new password to every node. */
const TIMEOUT = Duration.minutes(12);

const SECRET_ACTIONS = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"];
const USER_ACTIONS = ["DescribeUsers", "ModifyUser"];

/**
 * Rotates the password of one Redis user on a schedule. Each user has a function of its own, so that none can change the
 * password of another.
 */
export class RedisRotation extends Construct {
  constructor(scope: Construct, id: string, props: RedisRotationProps) {
    super(scope, id);
    const { role, redis, everyDays, alarmTopic } = props;
    const { secretArn } = redis.passwords[role];
    const rotation = this.#createFunction(props);
    const permission = new CfnPermission(this, "Invoke", {
      action: "lambda:InvokeFunction",
      functionName: rotation.functionArn,
      principal: new ServicePrincipal("secretsmanager.amazonaws.com").service,
      sourceArn: secretArn,
    });
    const schedule = new CfnRotationSchedule(this, "Schedule", {
      secretId: secretArn,
      rotationLambdaArn: rotation.functionArn,
      rotationRules: { automaticallyAfterDays: everyDays },
      // What is wrong shows now, and not in a month.
      rotateImmediatelyOnUpdate: true,
    });
    schedule.addResourceDependency(permission);
    alarmOn(this, "Failed", {
      metric: rotation.metricErrors({ period: Duration.minutes(5) }),
      threshold: 0,
      description: `rotation of the Redis password of ${role} failed; the last one stays valid`,
      runbook: "rotation-failed",
      topic: alarmTopic,
    });
  }

  #createFunction({
    role,
    redis,
    code,
    network,
    environmentName,
    logRetentionDays,
  }: RedisRotationProps): NodejsFunction {
    const { secretArn } = redis.passwords[role];
    const userId = redisUserId(environmentName, role);
    const rotation = createFunction(this, {
      ...code,
      description: `Rotates the Redis password of ${role}`,
      timeout: TIMEOUT,
      memorySize: 256,
      environment: {
        ...redisVariables(redis, role),
        RT_REDIS_SECRET_ARN: secretArn,
        RT_REDIS_USER_ID: userId,
        ...functionVariables(`redis-rotation-${role}`),
      },
      network,
      logRetentionDays,
    });
    const user = Stack.of(this).formatArn({
      service: "elasticache",
      resource: "user",
      resourceName: userId,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    rotation.addToRolePolicy(
      new PolicyStatement({
        actions: SECRET_ACTIONS.map((action) => `secretsmanager:${action}`),
        resources: [secretArn],
      }),
    );
    rotation.addToRolePolicy(
      new PolicyStatement({ actions: USER_ACTIONS.map((action) => `elasticache:${action}`), resources: [user] }),
    );
    return rotation;
  }
}
