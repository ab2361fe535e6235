import { redisRoles } from "../../../infra/constructs/support/redis-users.ts";
import { failed, type Rule, referenceTo } from "../model.ts";
import { userOf } from "./cache.ts";
import { mayInvoke } from "./events.ts";
import { asList, statementsOf } from "./policies.ts";
import { programsOf, rotatedRoleOf } from "./programs.ts";

/** Each user's password is rotated by a function of its own: secret → schedule → function → user. */
const scheduleRule: Rule = (model) => {
  const { enabled, everyDays } = model.config.rotation;
  const schedules = model.ofType("AWS::SecretsManager::RotationSchedule");
  const programs = programsOf(model).filter(({ name }) => name === "rotation");
  return [
    ...failed(
      { name: "rotation" },
      {
        "is not of every user, as configured":
          schedules.length === (enabled ? redisRoles.length : 0) &&
          programs.length === schedules.length &&
          new Set(programs.map(({ resource }) => rotatedRoleOf(resource))).size === programs.length,
      },
    ),
    ...programs.flatMap(({ resource, variables }) => {
      const user = userOf(model, rotatedRoleOf(resource));
      const own = schedules.filter(({ properties }) => properties.RotationLambdaARN === referenceTo(resource, "Arn"));
      const [schedule] = own;
      const role = model.target(resource.properties.Role, "AWS::IAM::Role", "Arn");
      const rights = (role ? statementsOf(model, role) : [])
        .filter(({ Action }) => asList(Action).some((action) => action.startsWith("elasticache:")))
        .flatMap(({ Resource }) => asList(Resource));
      const secret = variables.RT_REDIS_SECRET_ARN ?? "";
      return failed(resource, {
        "changes another user than its secret's": user && variables.RT_REDIS_USER_ID === user.properties.UserId,
        "may change other users as well":
          role && rights.every((on) => on.endsWith(`:user:${variables.RT_REDIS_USER_ID}`)),
        "is run by no schedule, or several": own.length === 1,
        "is run for another secret than its own": schedule?.properties.SecretId === secret,
        "may not be invoked for its secret": mayInvoke(model, {
          lambda: resource,
          principal: "secretsmanager.amazonaws.com",
          source: secret,
        }),
      });
    }),
    ...schedules.flatMap((schedule) => {
      const permissions = model
        .ofType("AWS::Lambda::Permission")
        .filter(
          ({ stack, properties }) =>
            stack === schedule.stack && properties.FunctionName === schedule.properties.RotationLambdaARN,
        );
      return failed(schedule, {
        "is of no function": model.target(schedule.properties.RotationLambdaARN, "AWS::Lambda::Function", "Arn"),
        "rotates at other times than configured":
          schedule.properties.RotationRules?.AutomaticallyAfterDays === everyDays,
        // Secrets Manager refuses a function that it may not invoke.
        "is created before its function may be invoked":
          permissions.length === 1 && permissions.every(({ logicalId }) => schedule.dependsOn.includes(logicalId)),
      });
    }),
  ];
};

/** The rules of the rotation of passwords. */
export const rotationRules: readonly Rule[] = [scheduleRule];
