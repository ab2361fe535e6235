import { isClusterNode } from "../../../infra/config/cache-nodes.ts";
import { accessStringOf, redisRoles } from "../../../infra/constructs/support/redis-users.ts";
import { failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { cacheOf } from "./paths.ts";

/**
 * What ElastiCache accepts together, from its documentation (docs.aws.amazon.com/AmazonElastiCache/latest/dg):
 * - a parameter group is of one family, and the family of one engine and major version: ParameterGroups.Engine.html;
 * - cluster mode is the parameter cluster-enabled, and requires automatic failover, with one shard too: AutoFailover.html;
 * - Multi-AZ requires automatic failover and a replica in another zone: AutoFailover.html;
 * - users and groups have the engine of the cache, and RBAC requires encryption in transit: Clusters.RBAC.html;
 * - a group of engine redis needs a user named default, one of valkey does not: Clusters.RBAC.html;
 * - Serverless takes versions of Valkey from 7.2 on, as a major version, no parameter group, and one user group: WhatIs.html.
 */
const engines: Readonly<Record<string, { readonly versions: RegExp; readonly family: (version: string) => string }>> = {
  valkey: { versions: /^(7\.2|8\.[0-2]|9\.0)$/, family: (version) => `valkey${version.split(".")[0]}` },
  redis: { versions: /^(7\.[01])$/, family: (version) => `redis${version.split(".")[0]}` },
};

const clusterRule: Rule = (model) =>
  model.ofType("AWS::ElastiCache::ReplicationGroup").flatMap((group) => {
    const p = group.properties;
    const { cache } = model.config;
    const engine = engines[p.Engine];
    const parameters = model.target(p.CacheParameterGroupName, "AWS::ElastiCache::ParameterGroup");
    const settings = parameters?.properties.Properties ?? {};
    const subnets = model.target(p.CacheSubnetGroupName, "AWS::ElastiCache::SubnetGroup");
    return failed(group, {
      "has an engine that is none": engine,
      "has a version that its engine does not have": engine?.versions.test(p.EngineVersion),
      "has a parameter group of another engine or version":
        parameters && engine?.family(p.EngineVersion) === parameters.properties.CacheParameterGroupFamily,
      "is not in cluster mode, which the clients expect": settings["cluster-enabled"] === "yes",
      "evicts keys: streams would lose messages": settings["maxmemory-policy"] === "noeviction",
      "has parameters besides these": Object.keys(settings).length === 2,
      "has a node type that does not exist": isClusterNode(p.CacheNodeType),
      "has no failover, which cluster mode requires": p.AutomaticFailoverEnabled === true,
      "has Multi-AZ without replicas, or replicas without it": p.MultiAZEnabled === p.ReplicasPerNodeGroup > 0,
      "has another size than configured":
        p.CacheNodeType === cache.nodeType &&
        p.NumNodeGroups === cache.shards &&
        p.ReplicasPerNodeGroup === cache.replicas,
      "has other windows or snapshots than configured":
        p.SnapshotRetentionLimit === cache.snapshotDays &&
        p.SnapshotWindow === cache.snapshotWindow &&
        p.PreferredMaintenanceWindow === cache.maintenanceWindow,
      "is in no subnet group": subnets,
      "would be replaced when shards are added":
        JSON.stringify(group.raw.UpdatePolicy) === '{"UseOnlineResharding":true}',
    });
  });

const serverlessRule: Rule = (model) =>
  model.ofType("AWS::ElastiCache::ServerlessCache").flatMap((cache) => {
    const p = cache.properties;
    return failed(cache, {
      "has an engine that is none": p.Engine === "valkey" && /^[789]$/.test(p.MajorEngineVersion),
      "has another limit than configured":
        p.CacheUsageLimits?.DataStorage?.Maximum === model.config.cache.maximumStorageGb,
      "has other snapshots than configured": (p.SnapshotRetentionLimit ?? 0) === model.config.cache.snapshotDays,
    });
  });

const SECRET = /^\{\{resolve:secretsmanager:(\$\{[^}]+\}):SecretString:::\}\}$/;

/** Returns the secret of a user's password. */
export const secretOf = (model: Model, user: Resource): Resource | undefined =>
  model.target(
    SECRET.exec(user.properties.AuthenticationMode?.Passwords?.[0] ?? "")?.[1],
    "AWS::SecretsManager::Secret",
  );

/** Returns the user of a name. */
export const userOf = (model: Model, name: unknown): Resource | undefined =>
  model.ofType("AWS::ElastiCache::User").find(({ properties }) => properties.UserName === name);

const usersRule: Rule = (model) => {
  const users = model.ofType("AWS::ElastiCache::User");
  const engine = cacheOf(model)?.properties.Engine;
  const secrets = users.map((user) => secretOf(model, user));
  return [
    ...users.flatMap((user, index) => {
      const role = redisRoles.find((name) => name === user.properties.UserName);
      const secret = secrets[index];
      return failed(user, {
        "is of another engine than the cache": user.properties.Engine === engine,
        "has a name that no program uses": role,
        "has other rights than its role":
          role && user.properties.AccessString === accessStringOf(role, model.config.cache.accessStrings),
        "has a password that is not in a secret": secret,
        "may have the id of another environment": user.properties.UserId === `${model.config.name}-${role}`,
        "shares its password": secrets.filter((other) => other === secret).length === 1,
        "has the password of another role": secret?.properties.Description?.endsWith(` ${role}`),
      });
    }),
    ...failed(
      { name: "ElastiCache users" },
      {
        "are not one for each role": redisRoles.every(
          (name) => users.filter(({ properties }) => properties.UserName === name).length === 1,
        ),
        "have the same id": new Set(users.map(({ properties }) => properties.UserId)).size === users.length,
      },
    ),
  ];
};

const userGroupRule: Rule = (model) => {
  const cache = cacheOf(model);
  const group = model.target(
    cache?.properties.UserGroupId ?? cache?.properties.UserGroupIds?.[0],
    "AWS::ElastiCache::UserGroup",
  );
  const members: unknown[] = group?.properties.UserIds ?? [];
  return [
    ...failed(cache ?? { name: "cache" }, {
      "has no users: everybody may do everything": group,
      "has not every user": model.ofType("AWS::ElastiCache::User").every((user) => members.includes(referenceTo(user))),
      "has a user group of another engine": group?.properties.Engine === cache?.properties.Engine,
      "may have the id of another environment": group?.properties.UserGroupId === `${model.config.name}-realtime`,
      "has a user twice": new Set(members).size === members.length,
      "has a user that is none": members.every((member) => model.target(member, "AWS::ElastiCache::User")),
    }),
    ...failed(
      { name: "cache" },
      {
        "is of another mode than configured":
          cache?.type.endsWith("ServerlessCache") === (model.config.cache.mode === "serverless"),
      },
    ),
  ];
};

/** The rules of Redis, its users and their passwords. */
export const cacheRules: readonly Rule[] = [clusterRule, serverlessRule, usersRule, userGroupRule];
