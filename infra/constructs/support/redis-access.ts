import type { ISecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { RedisRole } from "./redis-users.ts";

/** The port of Redis, here and in every security group. */
export const REDIS_PORT = 6379;

/** The address and credentials of Redis. A consumer allows itself to connect to `securityGroup` on {@link REDIS_PORT}. */
export interface RedisAccess {
  /** `rediss://<host>:<port>` of the cluster's configuration endpoint. */
  readonly url: string;
  readonly securityGroup: ISecurityGroup;
  /** The password of each role; the user has the role's name. */
  readonly passwords: Readonly<Record<RedisRole, ISecret>>;
}
