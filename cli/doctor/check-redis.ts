import { messageOf } from "../../kernel/as-error.ts";
import { listGateways } from "../../kernel/control/announcements.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { primariesOf, type RedisConnection, withRedis } from "../system/redis.ts";
import type { System } from "../system/system.ts";
import { checkRights } from "./check-rights.ts";
import { type Finding, failed, ok, skipped, warning } from "./finding.ts";

/** Sharded Pub/Sub came with Redis 7. */
const MINIMUM_MAJOR = 7;

/** Skew of the clocks beyond which a producer's versions may be refused, in ms: half of the default tolerance. */
const MAXIMUM_SKEW_MS = 30_000;

/** Share of the memory limit above which there is little room for a burst. */
const FULL_SHARE = 0.8;

type Info = Readonly<Record<string, string>>;

const parseInfo = (text: string): Info =>
  Object.fromEntries(
    text
      .split(/\r?\n/)
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );

function checkVersion({ redis_version: redis = "0", valkey_version: valkey }: Info): Finding {
  const name = valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`;
  if (Number.parseInt(redis, 10) >= MINIMUM_MAJOR) return ok("Redis version", name);
  return failed("Redis version", `${name} has no sharded Pub/Sub`, "upgrade to Redis 7, Valkey 7.2 or newer");
}

function checkMode(info: Info, isCluster: boolean): Finding {
  const hasCluster = info.redis_mode === "cluster" || info.cluster_enabled === "1";
  const detail = `${hasCluster ? "a cluster" : "one server"}, role ${info.role ?? "unknown"}`;
  if (hasCluster !== isCluster) {
    return failed(
      "Redis mode",
      `${detail}, but RT_REDIS_CLUSTER is ${isCluster}`,
      `set RT_REDIS_CLUSTER=${hasCluster}`,
    );
  }
  if (info.role === "slave")
    return failed("Redis mode", detail, "connect to the primary, or to the configuration endpoint");
  return ok("Redis mode", detail);
}

function checkMemory(info: Info): Finding[] {
  const policy = info.maxmemory_policy ?? "unknown";
  const [used, maximum, evicted] = [info.used_memory, info.maxmemory, info.evicted_keys].map((text) =>
    Number(text ?? 0),
  );
  const megabytes = (bytes = 0): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const found: Finding[] = [];
  if (policy === "noeviction") found.push(ok("Memory policy", policy));
  else if (policy === "unknown") found.push(skipped("Memory policy", "this Redis does not say it"));
  else {
    found.push(
      failed(
        "Memory policy",
        `${policy}: streams and the memory of event ids may be evicted`,
        "set maxmemory-policy noeviction in the parameter group",
      ),
    );
  }
  if ((evicted ?? 0) > 0)
    found.push(failed("Evictions", `${evicted} keys were evicted`, "add memory, and set maxmemory-policy noeviction"));
  const detail = maximum ? `${megabytes(used)} of ${megabytes(maximum)}` : `${megabytes(used)}, no limit`;
  if (maximum && used && used / maximum > FULL_SHARE)
    found.push(warning("Memory", detail, "add shards or a larger node type"));
  else found.push(ok("Memory", detail));
  return found;
}

async function checkClock(redis: RedisConnection): Promise<Finding> {
  const before = Date.now();
  const [node] = primariesOf(redis);
  const [seconds, microseconds] = (await node?.time()) ?? [0, 0];
  const after = Date.now();
  const skew = Math.round(Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (before + after) / 2);
  const detail = `this machine is ${Math.abs(skew)} ms ${skew > 0 ? "behind" : "ahead of"} Redis`;
  if (Math.abs(skew) <= MAXIMUM_SKEW_MS) return ok("Clock", detail);
  return warning(
    "Clock",
    `${detail}: versions that it gives to messages may be refused`,
    "synchronize the clocks (NTP)",
  );
}

async function checkGateways(redis: RedisConnection): Promise<Finding> {
  const gateways = await listGateways(redis);
  const ready = gateways.filter(({ state }) => state === "ready").length;
  const detail = `${ready} of ${gateways.length} gateways ready`;
  if (ready > 0 && ready === gateways.length) return ok("Gateways", detail);
  return ready > 0
    ? warning("Gateways", detail, "vezta inspect gateways names them; their log has the reason")
    : failed("Gateways", detail, "start a gateway, and read its log: it says why it is not ready");
}

/** One check after the other; one that throws is a finding, and the rest goes on. */
async function run(checks: readonly (readonly [string, () => Promise<readonly Finding[]>])[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [name, check] of checks) {
    try {
      found.push(...(await check()));
    } catch (error) {
      const reason = messageOf(error);
      found.push(
        /NOPERM|can.t run this command/.test(reason)
          ? skipped(name, `this Redis user may not ask: ${reason}`)
          : failed(name, reason, "see the message"),
      );
    }
  }
  return found;
}

const describeFailure = (reason: string): string => {
  if (/WRONGPASS|NOAUTH/.test(reason)) return "set RT_REDIS_USERNAME and RT_REDIS_PASSWORD to a user of this Redis";
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) return "correct the host in RT_REDIS_URL, or ask from inside the VPC";
  if (/ETIMEDOUT|timed out|timeout/i.test(reason))
    return "open the security group of Redis for this machine, and use rediss:// where TLS is on";
  return "start Redis, or correct RT_REDIS_URL: its port, and rediss:// where TLS is on";
};

/** Checks Redis: that it answers, what it is, and what the user may do. */
export async function checkRedis(system: System): Promise<readonly Finding[]> {
  if (system.environment.RT_REDIS_URL === undefined) {
    return [skipped("Redis", "RT_REDIS_URL is not set, and there is no local system")];
  }
  const config = parseEnvironment(redisEnvironment, system.environment);
  try {
    return await withRedis(system, async (redis) => {
      const [node] = primariesOf(redis);
      const info = parseInfo((await node?.info()) ?? "");
      return run([
        ["Redis", async () => [ok("Redis", `answers at ${new URL(config.RT_REDIS_URL).host}`)]],
        ["Redis version", async () => [checkVersion(info)]],
        ["Redis mode", async () => [checkMode(info, config.RT_REDIS_CLUSTER)]],
        ["Memory", async () => checkMemory(info)],
        ["Clock", async () => [await checkClock(redis)]],
        ["Redis rights", async () => checkRights(redis)],
        ["Gateways", async () => [await checkGateways(redis)]],
      ]);
    });
  } catch (error) {
    const reason = messageOf(error);
    return [failed("Redis", reason, describeFailure(reason))];
  }
}
