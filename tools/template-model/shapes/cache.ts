import * as z from "zod";
import { any, list, one, reference, type Shapes, shape, strict, text, whole, yes } from "./shape.ts";

const window = text.regex(/^\d\d:\d\d-\d\d:\d\d$/);

export const cacheShapes: Shapes = {
  "AWS::ElastiCache::ReplicationGroup": shape({
    AtRestEncryptionEnabled: yes,
    TransitEncryptionEnabled: yes,
    AutoMinorVersionUpgrade: yes,
    AutomaticFailoverEnabled: z.boolean(),
    MultiAZEnabled: z.boolean(),
    CacheNodeType: text,
    CacheParameterGroupName: text,
    CacheSubnetGroupName: reference,
    Engine: text,
    EngineVersion: text,
    NumNodeGroups: whole(1, 500),
    ReplicasPerNodeGroup: whole(0, 5),
    Port: whole(1, 65_535),
    PreferredMaintenanceWindow: text.regex(/^[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d$/),
    ReplicationGroupDescription: text,
    SecurityGroupIds: list(reference),
    SnapshotRetentionLimit: whole(0, 35),
    SnapshotWindow: window,
    UserGroupIds: z.array(reference).length(1),
  }),
  "AWS::ElastiCache::ServerlessCache": shape(
    {
      ServerlessCacheName: text,
      Engine: text,
      MajorEngineVersion: text,
      Description: text,
      UserGroupId: reference,
      SecurityGroupIds: list(reference),
      SubnetIds: z.array(reference).min(2).max(3),
      CacheUsageLimits: strict({ DataStorage: strict({ Maximum: whole(1, 5_000), Unit: one("GB") }) }),
    },
    { SnapshotRetentionLimit: whole(0, 35), DailySnapshotTime: text.regex(/^\d\d:\d\d$/) },
  ),
  "AWS::ElastiCache::ParameterGroup": shape({
    CacheParameterGroupFamily: text,
    Description: text,
    Properties: z.record(z.string(), z.string()),
  }),
  "AWS::ElastiCache::SubnetGroup": shape({ Description: text, SubnetIds: list(reference, 2) }),
  "AWS::ElastiCache::User": shape({
    AccessString: text,
    AuthenticationMode: strict({ Type: one("password"), Passwords: z.array(text).min(1).max(2) }),
    Engine: text,
    UserId: text.regex(
      /^[a-z][a-z0-9-]{0,39}$/,
      "must begin with a letter and have at most 40 lower-case letters, digits, hyphens",
    ),
    UserName: text,
  }),
  "AWS::ElastiCache::UserGroup": shape({
    Engine: text,
    UserGroupId: text.regex(/^[a-z][a-z0-9-]{0,39}$/),
    UserIds: list(reference),
  }),
  "AWS::SecretsManager::RotationSchedule": shape({
    SecretId: reference,
    RotationLambdaARN: reference,
    RotationRules: strict({ AutomaticallyAfterDays: whole(1, 365) }),
    RotateImmediatelyOnUpdate: yes,
  }),
  "AWS::SecretsManager::Secret": shape(
    {
      Description: text,
      GenerateSecretString: strict({ ExcludePunctuation: yes, PasswordLength: whole(32, 128) }),
    },
    { KmsKeyId: any },
  ),
};
