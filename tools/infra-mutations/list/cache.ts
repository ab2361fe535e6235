import { change, drop, find, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const nodes = mutationsOf("cache", "both edges");
const serverless = mutationsOf("cache", "no internet access");
const GROUP = "ElastiCache::ReplicationGroup";

/** Mistakes in Redis, its users and their passwords. */
export const cacheMutations: readonly Mutation[] = [
  ...nodes({
    "engine redis with users of valkey": set(GROUP, "Engine", "redis"),
    "engine with a typing mistake": set(GROUP, "Engine", "valky"),
    "version that does not exist": set(GROUP, "EngineVersion", "8.7"),
    "version of another family": set(GROUP, "EngineVersion", "7.2"),
    "default parameter group": set(GROUP, "CacheParameterGroupName", "default.valkey8.cluster.on"),
    "parameter group of another family": set("ElastiCache::ParameterGroup", "CacheParameterGroupFamily", "redis7"),
    "cluster mode off": set("ElastiCache::ParameterGroup", "Properties.cluster-enabled", "no"),
    eviction: set("ElastiCache::ParameterGroup", "Properties.maxmemory-policy", "volatile-lru"),
    "misspelt parameter": (t) => {
      const p = propertiesOf(t, "AWS::ElastiCache::ParameterGroup").Properties;
      delete p["maxmemory-policy"];
      p.maxmemory_policy = "noeviction";
    },
    "no failover in cluster mode": set(GROUP, "AutomaticFailoverEnabled", false),
    "Multi-AZ without replicas": set(GROUP, "ReplicasPerNodeGroup", 0),
    "replicas without Multi-AZ": set(GROUP, "MultiAZEnabled", false),
    "node type that does not exist": set(GROUP, "CacheNodeType", "cache.m7g.small"),
    "node type without cluster mode": set(GROUP, "CacheNodeType", "cache.t2.micro"),
    "no TLS": set(GROUP, "TransitEncryptionEnabled", false),
    "storage in clear": set(GROUP, "AtRestEncryptionEnabled", false),
    "no user group": drop(GROUP, "UserGroupIds"),
    "another port": set(GROUP, "Port", 6380),
    "no subnet group": drop(GROUP, "CacheSubnetGroupName"),
    "no security group": set(GROUP, "SecurityGroupIds", []),
    "security group of somebody else": set(GROUP, "SecurityGroupIds", ["sg-0123"]),
    "no snapshots": set(GROUP, "SnapshotRetentionLimit", 0),
    "snapshots for 40 days": set(GROUP, "SnapshotRetentionLimit", 40),
    "maintenance at noon on Monday": set(GROUP, "PreferredMaintenanceWindow", "mon:12:00-mon:13:00"),
    "more shards than configured": set(GROUP, "NumNodeGroups", 3),
    "replaced when shards are added": change(GROUP, (group) => {
      delete group.UpdatePolicy;
    }),
    "subnets in one zone": set("ElastiCache::SubnetGroup", "SubnetIds", (ids: unknown[]) => ids.slice(0, 1)),
    "nodes in compute subnets": (t) => {
      const [first] = find(t, "AWS::Lambda::Function", /ordersFunction/);
      propertiesOf(t, "AWS::ElastiCache::SubnetGroup").SubnetIds = first?.resource.Properties.VpcConfig.SubnetIds;
    },
    "user without a password": set("ElastiCache::User/publisher", "AuthenticationMode", {
      Type: "no-password-required",
    }),
    "password in clear": set("ElastiCache::User/publisher", "AuthenticationMode.Passwords", [
      "a-password-of-the-template",
    ]),
    "swapped passwords": (t) => {
      const a = propertiesOf(t, "AWS::ElastiCache::User", /publisher/).AuthenticationMode;
      const b = propertiesOf(t, "AWS::ElastiCache::User", /gateway/).AuthenticationMode;
      [a.Passwords, b.Passwords] = [b.Passwords, a.Passwords];
    },
    "one password for two": (t) => {
      propertiesOf(t, "AWS::ElastiCache::User", /publisher/).AuthenticationMode = propertiesOf(
        t,
        "AWS::ElastiCache::User",
        /managed/,
      ).AuthenticationMode;
    },
    "user of engine redis": set("ElastiCache::User/publisher", "Engine", "redis"),
    "user with another name": set("ElastiCache::User/publisher", "UserName", "publishers"),
    "user id with capitals": set("ElastiCache::User/publisher", "UserId", "Test-Publisher"),
    "user that may do everything": set("ElastiCache::User/publisher", "AccessString", "on ~* +@all"),
    "user that is off": set("ElastiCache::User/gateway", "AccessString", (text: string) => text.replace("on ", "off ")),
    "gateway that may not subscribe": set("ElastiCache::User/gateway", "AccessString", (text: string) =>
      text.replace("+ssubscribe ", ""),
    ),
    "user outside the group": set("ElastiCache::UserGroup", "UserIds", (ids: unknown[]) => ids.slice(1)),
    "group of engine redis": set("ElastiCache::UserGroup", "Engine", "redis"),
    "no user of the managed edge": remove("ElastiCache::User/managed"),
    "short password": set("SecretsManager::Secret/gateway", "GenerateSecretString.PasswordLength", 12),
    "password with punctuation": set(
      "SecretsManager::Secret/gateway",
      "GenerateSecretString.ExcludePunctuation",
      false,
    ),
    "secret with a value in the template": (t) => {
      const p = propertiesOf(t, "AWS::SecretsManager::Secret", /gateway/);
      delete p.GenerateSecretString;
      p.SecretString = "a-password-of-the-template";
    },
  }),
  ...serverless({
    "serverless without users": drop("ElastiCache::ServerlessCache", "UserGroupId"),
    "serverless with four subnets": set("ElastiCache::ServerlessCache", "SubnetIds", (ids: unknown[]) => [
      ...ids,
      ...ids,
    ]),
    "serverless of engine memcached": set("ElastiCache::ServerlessCache", "Engine", "memcached"),
    "serverless with a full version": set("ElastiCache::ServerlessCache", "MajorEngineVersion", "8.0"),
    "serverless without a limit": drop("ElastiCache::ServerlessCache", "CacheUsageLimits"),
    "serverless without a security group": drop("ElastiCache::ServerlessCache", "SecurityGroupIds"),
  }),
];
