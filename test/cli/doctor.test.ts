import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { accessStrings, redisRoles } from "../../infra/constructs/support/redis-users.ts";
import { freePort } from "../../local/free-port.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { jsonLines, vezta } from "../support/vezta.ts";

interface Finding {
  readonly check: string;
  readonly result: string;
  readonly detail: string;
  readonly remedy?: string;
}

let redis: RunningRedis;
let admin: Redis;
let nowhere: string;
beforeAll(async () => {
  redis = await startRedis({ configuration: ["--maxmemory", "100mb"] });
  admin = new Redis(redis.url);
  nowhere = `http://127.0.0.1:${await freePort()}`;
  for (const role of redisRoles) {
    await admin.call("ACL", "SETUSER", role, ">secret", ...accessStrings[role].split(" "));
  }
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});

async function doctor(environment: Readonly<Record<string, string>>) {
  const run = await vezta(["doctor", "--json", "--url", nowhere], {
    environment: { RT_REDIS_URL: redis.url, ...environment },
  });
  const findings = jsonLines<Finding[]>(run)[0] ?? [];
  return { code: run.code, find: (check: string) => findings.find((finding) => finding.check === check) };
}

it("finds the users of the deployed access strings in order", async () => {
  const { code, find } = await doctor({});

  for (const role of redisRoles) expect(find(`User ${role}`) ?? { result: "ok" }).toMatchObject({ result: "ok" });
  expect(find("Memory policy")).toMatchObject({ result: "ok", detail: "noeviction" });
  expect(find("Endpoint")).toMatchObject({ result: "failed", remedy: expect.stringContaining("npm start") });
  expect(find("Gateways")).toMatchObject({ result: "failed", detail: "0 of 0 gateways ready" });
  expect(code).toBe(1);
});

it("finds a policy that evicts, rights that are too wide, and a mode that is not the configured one", async () => {
  await admin.config("SET", "maxmemory-policy", "allkeys-lru");
  await admin.call("ACL", "SETUSER", "publisher", "allkeys", "+del");

  const { find } = await doctor({ RT_REDIS_CLUSTER: "false" });

  expect(find("Memory policy")).toMatchObject({ result: "failed", remedy: expect.stringContaining("noeviction") });
  expect(find("User publisher")).toMatchObject({ result: "warning", detail: expect.stringContaining("may DEL") });
});

it.each([
  ["a wrong password", { RT_REDIS_USERNAME: "gateway", RT_REDIS_PASSWORD: "wrong" }, "RT_REDIS_PASSWORD"],
  ["a Redis that is not there", { RT_REDIS_URL: "redis://127.0.0.1:1" }, "start Redis"],
])("says how to mend %s", async (_name, environment, remedy) => {
  const { find } = await doctor(environment);

  expect(find("Redis")).toMatchObject({ result: "failed", remedy: expect.stringContaining(remedy) });
});

it("says what a user may not ask, and fails for nothing", async () => {
  const { find } = await doctor({ RT_REDIS_USERNAME: "publisher", RT_REDIS_PASSWORD: "secret" });

  expect(find("Redis")).toMatchObject({ result: "ok" });
  expect(find("Gateways")).toMatchObject({ result: "skipped", detail: expect.stringContaining("may not ask") });
});

it("finds an issuer that cannot be reached, and a configuration that is not valid", async () => {
  const { find } = await doctor({ RT_AUTH_ISSUER: "https://127.0.0.1:1", RT_AUTH_AUDIENCE: "" });

  expect(find("Issuer")).toMatchObject({ result: "failed", remedy: expect.stringContaining("RT_AUTH_ISSUER") });
  expect(find("Configuration")).toMatchObject({
    result: "failed",
    detail: expect.stringContaining("RT_AUTH_AUDIENCE"),
  });
});
