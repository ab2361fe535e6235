import { join } from "node:path";
import { Redis } from "ioredis";
import { accessStrings, type RedisRole, redisRoles } from "../../infra/constructs/support/redis-users.ts";
import { LambdaProcess } from "../../local/lambda-process.ts";
import { startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { ElastiCacheUsers } from "./elasticache-users.ts";
import type { RedisKind } from "./redis.ts";
import { RotatingSecrets } from "./rotating-secrets.ts";

const HANDLER = join(import.meta.dirname, "../../lambdas/rotation/rotation.handler.ts");

export const secretArn = (role: RedisRole): string => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${role}`;

const userId = (role: RedisRole): string => `test-${role}`;

/** Long enough for ElastiCache. */
const firstPassword = (role: RedisRole): string => `the-first-password-of-${role}`;

/** A Redis with the users of the template, and what rotates their passwords: the function, and the services it calls. */
export interface RotationSystem {
  readonly secrets: RotatingSecrets;
  readonly users: ElastiCacheUsers;
  /** Connections to each node, with all rights. */
  readonly nodes: readonly Redis[];
  /** Variables of a consumer that connects as a role with the password of its secret. */
  environment(role: RedisRole): Readonly<Record<string, string>>;
  /** Rotates the password of a role once, in the function's own process. */
  rotate(role: RedisRole): Promise<void>;
  /** Sends an event to the function of a role. */
  invoke(role: RedisRole, event: unknown): Promise<unknown>;
  /** Ends the function of a role as it is, as Lambda does at a timeout. The next event finds a new one. */
  killFunction(role: RedisRole): void;
  /** Sets a role's passwords as a deploy does. */
  setPasswords(role: RedisRole, passwords: readonly string[]): Promise<void>;
  /** Returns true if every node accepts the password of a role. */
  accepts(role: RedisRole, password: string | undefined): Promise<boolean>;
  /** Returns how many authentications Redis has refused since the start, without those of `accepts`. */
  refusedPasswords(): Promise<number>;
  stop(): Promise<void>;
}

async function tryOn(port: number, username: string, password: string): Promise<boolean> {
  const redis = new Redis({ port, username, password, lazyConnect: true, retryStrategy: () => null });
  redis.on("error", () => undefined);
  return redis
    .ping()
    .then(
      () => true,
      () => false,
    )
    .finally(() => redis.disconnect());
}

/** Returns how often Redis refused a password: its log joins repetitions to one entry. */
async function countRefused(node: Redis): Promise<number> {
  const entries = (await node.call("ACL", "LOG", "1000")) as unknown[][];
  return entries
    .map((entry) =>
      Object.fromEntries(Array.from({ length: entry.length / 2 }, (_, i) => [entry[2 * i], entry[2 * i + 1]])),
    )
    .filter(({ reason, username }) => reason === "auth" && redisRoles.includes(username))
    .reduce((sum, { count }) => sum + Number(count), 0);
}

export async function startRotationSystem(kind: RedisKind): Promise<RotationSystem> {
  const isCluster = kind === "a three-node cluster";
  const servers = isCluster ? await startRedisCluster() : await startRedis();
  const running = "nodes" in servers ? servers.nodes : [servers];
  const nodes = running.map(({ port }) => new Redis({ port }));
  const secrets = new RotatingSecrets();
  const cacheUsers = redisRoles.map((role) => ({ id: userId(role), name: role, accessString: accessStrings[role] }));
  const users = new ElastiCacheUsers(nodes, cacheUsers);
  const endpoints = [await secrets.start(), await users.start()];
  const credentials = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
  const aws = Object.assign({}, credentials, ...endpoints.map(({ environment }) => environment));
  const environment = (role: RedisRole) => ({
    ...aws,
    RT_REDIS_URL: `redis://127.0.0.1:${running[0]?.port}`,
    RT_REDIS_CLUSTER: String(isCluster),
    RT_REDIS_USERNAME: role,
    RT_REDIS_SECRET_ARN: secretArn(role),
  });
  const start = (role: RedisRole) =>
    new LambdaProcess({
      environment: { ...environment(role), RT_REDIS_USER_ID: userId(role) },
      onLog: () => undefined,
    });
  const functions = { gateway: start("gateway"), publisher: start("publisher"), "managed-edge": start("managed-edge") };
  for (const role of redisRoles) {
    secrets.add(secretArn(role), firstPassword(role));
    await users.setPasswords(userId(role), [firstPassword(role)]);
  }
  let triedInVain = 0;
  const invoke = (role: RedisRole, event: unknown) => functions[role].invoke(HANDLER, event);
  return {
    ...{ secrets, users, nodes, environment, invoke },
    rotate: (role) => secrets.rotate(secretArn(role), (event) => invoke(role, event)),
    killFunction: (role) => functions[role].kill(),
    setPasswords: (role, passwords) => users.setPasswords(userId(role), passwords),
    async accepts(role, password = "") {
      const answers = await Promise.all(running.map(({ port }) => tryOn(port, role, password)));
      triedInVain += answers.filter((isAccepted) => !isAccepted).length;
      return answers.every(Boolean);
    },
    refusedPasswords: async () => {
      const counts = await Promise.all(nodes.map(countRefused));
      return counts.reduce((sum, count) => sum + count, 0) - triedInVain;
    },
    async stop() {
      await Promise.all(Object.values(functions).map((lambda) => lambda.stop()));
      for (const endpoint of endpoints) endpoint.stop();
      for (const node of nodes) node.disconnect();
      await servers.stop();
    },
  };
}
