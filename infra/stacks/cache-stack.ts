import { Stack, type StackProps, Token } from "aws-cdk-lib";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  CfnReplicationGroup,
  CfnServerlessCache,
  CfnSubnetGroup,
  CfnUser,
  CfnUserGroup,
} from "aws-cdk-lib/aws-elasticache";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { acknowledge } from "../constructs/support/acknowledge.ts";
import { REDIS_PORT, type RedisAccess } from "../constructs/support/redis-access.ts";
import { accessStrings, type RedisRole, redisRoles, redisUserId } from "../constructs/support/redis-users.ts";
import { subnetGroups } from "../constructs/support/subnet-groups.ts";

export interface CacheStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly config: Pick<EnvironmentConfig, "name" | "cache">;
}

/** The engine of cache, users and user group: ElastiCache requires the same one, and only Valkey needs no default user. */
const ENGINE = "valkey";

/** Redis (Valkey) with TLS, encrypted storage and one user per role. */
export class CacheStack extends Stack {
  readonly access: RedisAccess;

  constructor(scope: Construct, id: string, { vpc, config, ...props }: CacheStackProps) {
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
    const userGroup = this.#createUsers(config.name, passwords);
    const { subnetIds } = vpc.selectSubnets({ subnetGroupName: subnetGroups.data });
    const placement = { securityGroupIds: [securityGroup.securityGroupId], subnetIds, userGroup };
    const host =
      config.cache.mode === "serverless"
        ? this.#createServerless(config, placement)
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

  #createUsers(name: string, passwords: Readonly<Record<RedisRole, Secret>>): CfnUserGroup {
    const userIds = redisRoles.map((role) => {
      const user = new CfnUser(this, `${role}User`, {
        engine: ENGINE,
        userId: redisUserId(name, role),
        userName: role,
        accessString: accessStrings[role],
        // A dynamic reference: CloudFormation reads the secret, the template never holds it.
        authenticationMode: { Type: "password", Passwords: [passwords[role].secretValue.unsafeUnwrap()] },
      });
      return user.ref;
    });
    return new CfnUserGroup(this, "Users", { engine: ENGINE, userGroupId: `${name}-realtime`, userIds });
  }

  /** Returns the host of the configuration endpoint. */
  #createCluster(cache: EnvironmentConfig["cache"], { securityGroupIds, subnetIds, userGroup }: Placement): string {
    const subnets = new CfnSubnetGroup(this, "Subnets", { description: "The subnets of the Redis nodes", subnetIds });
    const cluster = new CfnReplicationGroup(this, "Cluster", {
      replicationGroupDescription: "Streams and Pub/Sub of the realtime channels",
      engine: ENGINE,
      engineVersion: "8.0",
      cacheParameterGroupName: "default.valkey8.cluster.on",
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

  #createServerless(
    { name, cache }: CacheStackProps["config"],
    { securityGroupIds, subnetIds, userGroup }: Placement,
  ): string {
    const serverless = new CfnServerlessCache(this, "Serverless", {
      serverlessCacheName: `${name}-realtime`,
      description: "Streams and Pub/Sub of the realtime channels",
      engine: ENGINE,
      majorEngineVersion: "8",
      userGroupId: userGroup.ref,
      securityGroupIds,
      // Serverless accepts at most three.
      subnetIds: subnetIds.slice(0, 3),
      cacheUsageLimits: { dataStorage: { maximum: cache.maximumStorageGb, unit: "GB" } },
    });
    return Token.asString(serverless.attrEndpointAddress);
  }
}

interface Placement {
  readonly securityGroupIds: string[];
  readonly subnetIds: string[];
  readonly userGroup: CfnUserGroup;
}
