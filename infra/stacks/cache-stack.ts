import { Duration, Stack, type StackProps, Token } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  CfnParameterGroup,
  CfnReplicationGroup,
  CfnServerlessCache,
  CfnSubnetGroup,
  CfnUser,
  CfnUserGroup,
} from "aws-cdk-lib/aws-elasticache";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { acknowledge } from "../constructs/support/acknowledge.ts";
import { alarmOn } from "../constructs/support/alarm-on.ts";
import { REDIS_PORT, type RedisAccess } from "../constructs/support/redis-access.ts";
import { accessStringOf, type RedisRole, redisRoles, redisUserId } from "../constructs/support/redis-users.ts";
import { subnetGroups } from "../constructs/support/subnet-groups.ts";

export interface CacheStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly alarmTopic: ITopic;
  readonly config: Pick<EnvironmentConfig, "name" | "cache">;
}

/** The engine of cache, users and user group: ElastiCache requires the same one, and only Valkey needs no default user. */
const ENGINE = "valkey";

const MAJOR_VERSION = "8";

/** Redis (Valkey) with TLS, encrypted storage and one user per role. */
export class CacheStack extends Stack {
  readonly access: RedisAccess;

  constructor(scope: Construct, id: string, { vpc, alarmTopic, config, ...props }: CacheStackProps) {
    super(scope, id, props);
    const securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc,
      description: "Redis: gateway tasks and functions of ours alone",
      allowAllOutbound: false,
    });
    // Of every role, whichever edges are enabled: other stacks import these, so switching an edge must not change them.
    const passwords = {
      gateway: this.#createPassword("gateway"),
      publisher: this.#createPassword("publisher"),
      "managed-edge": this.#createPassword("managed-edge"),
    } satisfies Record<RedisRole, Secret>;
    const userGroup = this.#createUsers(config, passwords);
    const { subnetIds } = vpc.selectSubnets({ subnetGroupName: subnetGroups.data });
    const placement = { securityGroupIds: [securityGroup.securityGroupId], subnetIds, userGroup };
    const host =
      config.cache.mode === "serverless"
        ? this.#createServerless(config, placement, alarmTopic)
        : this.#createCluster(config.cache, placement);
    this.access = { url: `rediss://${host}:${REDIS_PORT}`, securityGroup, passwords };
  }

  #createPassword(role: RedisRole): Secret {
    const secret = new Secret(this, `${role}Password`, {
      description: `Redis password of the ${role}`,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    });
    acknowledge(secret, {
      "AwsSolutions-SMG4":
        "The rotation stack rotates it where rotation.enabled is set; docs/deploying.md describes how to do so once.",
    });
    return secret;
  }

  #createUsers(
    { name, cache: { accessStrings } }: CacheStackProps["config"],
    passwords: Readonly<Record<RedisRole, Secret>>,
  ): CfnUserGroup {
    const userIds = redisRoles.map((role) => {
      const user = new CfnUser(this, `${role}User`, {
        engine: ENGINE,
        userId: redisUserId(name, role),
        userName: role,
        accessString: accessStringOf(role, accessStrings),
        // A dynamic reference: CloudFormation reads the secret, the template never holds it.
        authenticationMode: { Type: "password", Passwords: [passwords[role].secretValue.unsafeUnwrap()] },
      });
      return user.ref;
    });
    return new CfnUserGroup(this, "Users", { engine: ENGINE, userGroupId: `${name}-realtime`, userIds });
  }

  /** A serverless cache tells the memory of no node: the gateway's own metric is of a cluster's. */
  #alarmOnStorage(serverless: CfnServerlessCache, maximumGb: number, topic: ITopic): void {
    alarmOn(this, "Storage", {
      metric: new Metric({
        namespace: "AWS/ElastiCache",
        metricName: "BytesUsedForCache",
        dimensionsMap: { clusterId: serverless.serverlessCacheName },
        statistic: "Maximum",
        period: Duration.minutes(1),
      }),
      threshold: (STORAGE_PERCENT / 100) * maximumGb * 1_000 ** 3,
      patience: { datapoints: 2, periods: 3 },
      description: `Redis: more than ${STORAGE_PERCENT} % of the storage limit is in use; at 100 % nothing is published`,
      runbook: "redis-memory",
      topic,
    });
  }

  /** Returns the host of the configuration endpoint. */
  #createCluster(cache: EnvironmentConfig["cache"], { securityGroupIds, subnetIds, userGroup }: Placement): string {
    const subnets = new CfnSubnetGroup(this, "Subnets", { description: "The subnets of the Redis nodes", subnetIds });
    const cluster = new CfnReplicationGroup(this, "Cluster", {
      replicationGroupDescription: "Streams and Pub/Sub of the realtime channels",
      engine: ENGINE,
      engineVersion: `${MAJOR_VERSION}.0`,
      cacheParameterGroupName: this.#createParameters().ref,
      cacheNodeType: cache.nodeType,
      numNodeGroups: cache.shards,
      replicasPerNodeGroup: cache.replicas,
      // Cluster mode requires it, even without replicas.
      automaticFailoverEnabled: true,
      multiAzEnabled: cache.replicas > 0,
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      userGroupIds: [userGroup.ref],
      cacheSubnetGroupName: subnets.ref,
      securityGroupIds,
      port: REDIS_PORT,
      autoMinorVersionUpgrade: true,
      preferredMaintenanceWindow: cache.maintenanceWindow,
      snapshotRetentionLimit: cache.snapshotDays,
      // Without snapshots ElastiCache ignores it.
      snapshotWindow: cache.snapshotWindow,
    });
    // Without it a change of the number of shards would replace the cluster.
    cluster.cfnOptions.updatePolicy = { useOnlineResharding: true };
    acknowledge(cluster, {
      "AwsSolutions-AEC5": "Only security groups give access; another port would hide nothing.",
      "AwsSolutions-AEC6": "The rule looks for an AUTH token. A user group with one user per role replaces it.",
      ...(cache.replicas > 0
        ? {}
        : { "AwsSolutions-AEC4": "cache.replicas is 0: the configuration asks for one node." }),
    });
    return Token.asString(cluster.attrConfigurationEndPointAddress);
  }

  /**
   * Redis refuses writes when its memory is full, so that publishers retry and alarms fire. By default ElastiCache evicts
   * keys that expire, which are all of ours: streams would lose messages without a word.
   */
  #createParameters(): CfnParameterGroup {
    return new CfnParameterGroup(this, "Parameters", {
      description: "Redis of the realtime channels",
      cacheParameterGroupFamily: `${ENGINE}${MAJOR_VERSION}`,
      properties: { "cluster-enabled": "yes", "maxmemory-policy": "noeviction" },
    });
  }

  #createServerless(
    { name, cache }: CacheStackProps["config"],
    { securityGroupIds, subnetIds, userGroup }: Placement,
    topic: ITopic,
  ): string {
    const serverless = new CfnServerlessCache(this, "Serverless", {
      serverlessCacheName: `${name}-realtime`,
      description: "Streams and Pub/Sub of the realtime channels",
      engine: ENGINE,
      majorEngineVersion: MAJOR_VERSION,
      userGroupId: userGroup.ref,
      securityGroupIds,
      // Serverless accepts at most three.
      subnetIds: subnetIds.slice(0, 3),
      // There is no parameter group: at the limit Serverless evicts keys that expire, the least recently used first
      // (docs.aws.amazon.com/AmazonElastiCache/latest/dg/Scaling.html), and clients repair the gap or reset.
      cacheUsageLimits: { dataStorage: { maximum: cache.maximumStorageGb, unit: "GB" } },
      ...(cache.snapshotDays > 0
        ? { snapshotRetentionLimit: cache.snapshotDays, dailySnapshotTime: cache.snapshotWindow.split("-")[0] }
        : {}),
    });
    this.#alarmOnStorage(serverless, cache.maximumStorageGb, topic);
    return Token.asString(serverless.attrEndpointAddress);
  }
}

/** The share of the storage limit at which the alarm fires, in percent. */
const STORAGE_PERCENT = 75;

interface Placement {
  readonly securityGroupIds: string[];
  readonly subnetIds: string[];
  readonly userGroup: CfnUserGroup;
}
