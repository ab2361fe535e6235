import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { openLinkProxy } from "../../drill/link-proxy.ts";
import { accessStrings } from "../../infra/constructs/support/redis-users.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher } from "../../kernel/streams/publisher.ts";
import { freePort } from "../../local/free-port.ts";
import { type GatewayProcess, launchGateway, startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { connectClient } from "../support/client.ts";
import { message } from "../support/messages.ts";
import { startSilentServer } from "../support/silent-server.ts";

/** Needs each kind of character that an URL has to encode. */
const PASSWORD = "p@ss:w/rd?#%25 end";
const LIMIT = { timeout: 120_000 };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function redisWith(password?: string): Promise<RunningRedis> {
  const redis = await startRedis();
  ends.push(() => redis.stop());
  // Not at its start: who waits for it asks without a password.
  if (password !== undefined) await commandsOn(redis.url).call("CONFIG", "SET", "requirepass", password);
  return redis;
}

async function launch(environment: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const issuer = await createIssuer();
  const gateway = await launchGateway({ ...issuer.env, ...environment });
  ends.push(() => gateway.stop("SIGKILL"));
  return gateway;
}

const answer = async ({ url }: GatewayProcess, path: string): Promise<string> => {
  const response = await fetch(`${url}${path}`).catch(() => undefined);
  return response ? `${response.status} ${(await response.text()).trim()}` : "nothing";
};

const commandsOn = (url: string, environment: Readonly<Record<string, string>> = {}) => {
  const config = parseEnvironment(redisEnvironment, { RT_REDIS_URL: url, ...environment });
  const connection = connectPublisher(config, () => undefined);
  ends.push(() => connection.disconnect());
  return connection;
};

/** Expects that a gateway is neither healthy nor ready, and that answers, log and metrics say why. */
async function expectWaiting(gateway: GatewayProcess, reason: string): Promise<void> {
  await expect.poll(() => answer(gateway, "/readyz"), LIMIT).toBe(`503 not ready: ${reason}`);
  expect(await answer(gateway, "/healthz")).toBe(`503 not ready yet: ${reason}`);
  expect(await gateway.metric("rt_ready")).toBe(0);
  await expect.poll(() => gateway.metric("rt_not_ready_reason", `reason="${reason}"`)).toBe(1);
  await expect.poll(() => gateway.log()).toContain(`"reason":"${reason}"`);
  expect(gateway.log().split(`"reason":"${reason}","redis"`)).toHaveLength(2);
}

describe("a gateway that starts", () => {
  it("is unhealthy without Redis, healthy once Redis answers, and stays healthy afterwards", async () => {
    const port = await freePort();
    const gateway = await launch({ RT_REDIS_URL: `redis://127.0.0.1:${port}` });
    await expectWaiting(gateway, "redis_unreachable");

    const redis = await startRedis({ port });
    ends.push(() => redis.stop());
    await expect.poll(() => answer(gateway, "/readyz"), LIMIT).toBe("200 ready");
    expect(await answer(gateway, "/healthz")).toBe("200 ok");
    // The load balancer forwards to this port, and what it forwards to is public.
    expect(await answer(gateway, "/metrics")).toBe("404 not found");
    expect(await gateway.metric("rt_ready")).toBe(1);
    expect(await gateway.metric("rt_not_ready_reason")).toBe(0);

    const ended = once(redis.process, "exit");
    redis.process.kill("SIGKILL");
    await ended;
    await expect.poll(() => answer(gateway, "/readyz"), LIMIT).toBe("503 not ready: redis_unreachable");
    expect(await answer(gateway, "/healthz")).toBe("200 ok");
  });

  it.each([
    ["a wrong password", { RT_REDIS_PASSWORD: "the-wrong-secret" }],
    ["no password", {}],
  ])("with %s reports the refusal without the password", async (_, environment) => {
    const redis = await redisWith(PASSWORD);
    const gateway = await launch({ RT_REDIS_URL: redis.url, ...environment });
    await expectWaiting(gateway, "password_refused");
    expect(gateway.log()).not.toContain("the-wrong-secret");
  });

  it.each([
    ["subscribe", ["~*", "&*", "+@all", "-ssubscribe"]],
    ["use the channels of rooms", ["~*", "resetchannels", "&other", "+@all"]],
    ["read streams", ["~*", "&*", "+@all", "-xrevrange"]],
    ["read the keys of streams", ["~other:*", "&*", "+@all"]],
    ["run scripts", ["~*", "&*", "+@all", "-evalsha", "-eval"]],
  ])("with a user that may not %s reports that", async (_, rights) => {
    const redis = await redisWith();
    await commandsOn(redis.url).call("ACL", "SETUSER", "limited", "on", ">secret", ...rights);
    const credentials = { RT_REDIS_USERNAME: "limited", RT_REDIS_PASSWORD: "secret" };
    await expectWaiting(await launch({ RT_REDIS_URL: redis.url, ...credentials }), "permission_refused");
  });

  it("with the access string of the deployment is ready", async () => {
    const redis = await redisWith();
    await commandsOn(redis.url).call("ACL", "SETUSER", "role", ">secret", ...accessStrings.gateway.split(" "));
    const credentials = { RT_REDIS_USERNAME: "role", RT_REDIS_PASSWORD: "secret" };
    const gateway = await launch({ RT_REDIS_URL: redis.url, ...credentials });
    await expect.poll(() => answer(gateway, "/readyz"), LIMIT).toBe("200 ready");
  });

  it("at an address that accepts connections and stays silent reports that, and never becomes healthy", async () => {
    const silent = await startSilentServer();
    ends.push(() => silent.stop());
    await expectWaiting(await launch({ RT_REDIS_URL: `redis://127.0.0.1:${silent.port}` }), "redis_silent");
  });

  it("reports a cluster setting that does not match the Redis, both ways", { timeout: 600_000 }, async () => {
    const redis = await redisWith();
    const gateway = await launch({ RT_REDIS_URL: redis.url, RT_REDIS_CLUSTER: "true" });
    await expectWaiting(gateway, "not_a_cluster");
    const cluster = await startRedisCluster();
    ends.push(() => cluster.stop());
    await expectWaiting(await launch({ RT_REDIS_URL: String(cluster.urls[0]) }), "is_a_cluster");
  });
});

describe("a user and password in the URL", () => {
  const urlOf = ({ port }: RunningRedis, password: string): string =>
    `redis://default:${encodeURIComponent(password)}@127.0.0.1:${port}`;

  it("are used, by the gateway and by a publisher", async () => {
    const redis = await redisWith(PASSWORD);
    const url = urlOf(redis, PASSWORD);
    const gateway = await launch({ RT_REDIS_URL: url });
    await expect.poll(() => answer(gateway, "/readyz"), LIMIT).toBe("200 ready");
    expect(gateway.log()).not.toContain(encodeURIComponent(PASSWORD));
    const outcomes = await createPublisher(commandsOn(url)).publish([message("monitor:signals", undefined, 1)]);
    expect(outcomes).toMatchObject([{ status: "published" }]);
  });

  it.each([
    ["another password beside it", { RT_REDIS_PASSWORD: "other-secret" }, "RT_REDIS_PASSWORD differs from"],
    ["another user beside it", { RT_REDIS_USERNAME: "other-user" }, "RT_REDIS_USERNAME differs from"],
    ["what is not percent-encoded", { RT_REDIS_URL: "redis://default:100%@127.0.0.1" }, "percent-encoded"],
    ["a database", { RT_REDIS_URL: "redis://127.0.0.1/2" }, "RT_REDIS_URL: must end after the port"],
  ])("with %s end the start, with a sentence and without the secret", async (_, environment, sentence) => {
    const gateway = await launch({ RT_REDIS_URL: "redis://default:url-secret@127.0.0.1", ...environment });
    await expect.poll(() => gateway.process.exitCode, LIMIT).toBe(1);
    await expect.poll(() => gateway.log()).toContain(sentence);
    expect(gateway.log()).not.toMatch(/url-secret|other-secret/);
  });
});

describe("a Redis that becomes a replica on kept connections", () => {
  it("makes publisher and gateway reconnect to the current address", { timeout: 600_000 }, async () => {
    const [old, next] = await Promise.all([redisWith(), redisWith()]);
    const proxy = await openLinkProxy(old.port);
    ends.push(() => proxy.close());
    const url = `redis://127.0.0.1:${proxy.port}`;
    const issuer = await createIssuer();
    const gateway = await startGateway({ ...issuer.env, RT_REDIS_URL: url });
    ends.push(() => gateway.stop("SIGKILL"));
    const client = await connectClient(gateway.url);
    ends.push(() => client.close());
    await client.ask("subscribe", { channel: "monitor:signals" });
    const publisher = createPublisher(commandsOn(url));
    const publish = async (number: number): Promise<string> => {
      const [outcome] = await publisher.publish([message("monitor:signals", undefined, number)]);
      return outcome?.status === "published" ? outcome.id : String(outcome?.status);
    };
    const first = await publish(1);
    await expect.poll(() => client.ids("monitor:signals")).toEqual([first]);

    await commandsOn(old.url).call("REPLICAOF", "127.0.0.1", next.port);
    proxy.setTarget(next.port);
    let id = "";
    await expect.poll(async () => (id = await publish(2).catch(() => "")), LIMIT).toMatch(/^\d+-\d+$/);
    await expect.poll(() => client.ids("monitor:signals"), LIMIT).toContain(id);
    // Whoever still holds on to the old one loses it now for good.
    await expect.poll(() => commandsOn(old.url).call("CLIENT", "LIST").then(String), LIMIT).not.toMatch(/ssub=[1-9]/);
    await expect.poll(() => answer(gateway, "/readyz"), LIMIT).toBe("200 ready");
  });
});
