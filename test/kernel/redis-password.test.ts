import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { RedisPassword } from "../../kernel/redis/redis-password.ts";
import { RedisSecretError, redisSecretEnvironment } from "../../kernel/redis/redis-secret.ts";
import { type RotationSystem, secretArn, startRotationSystem } from "../support/rotation-system.ts";

const ARN = secretArn("publisher");
const environment = redisEnvironment.extend(redisSecretEnvironment.shape);

let system: RotationSystem;
const open: { disconnect(): void }[] = [];
beforeAll(async () => {
  system = await startRotationSystem("a single Redis");
  for (const [name, value] of Object.entries(system.environment("publisher"))) {
    if (name.startsWith("AWS_")) vi.stubEnv(name, value);
  }
});
afterEach(() => {
  for (const { disconnect } of open.splice(0)) disconnect();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await system.stop();
});

const current = () => system.secrets.valueOf(ARN);
const config = () => parseEnvironment(environment, system.environment("publisher"));
const openPassword = (refreshMs?: number, errors: Error[] = []) =>
  RedisPassword.open(config(), { refreshMs, onError: (error) => errors.push(error) });

function connect(password: RedisPassword) {
  const errors: string[] = [];
  const settings = { ...config(), RT_REDIS_PASSWORD: password.value };
  const client = connectPublisher(settings, ({ message }) => errors.push(message));
  open.push({ disconnect: () => client.disconnect() });
  return { client: password.follow(client), errors };
}

describe("the password of Redis", () => {
  it("is read again before a call once it is old, and not before that", async () => {
    const young = await openPassword();
    const old = await openPassword(0);
    await system.rotate("publisher");
    const held = young.value;

    await Promise.all([young.refreshIfOld(), old.refreshIfOld()]);

    expect(old.value).toBe(current());
    expect(young.value).toBe(held);
  });

  it("is read again by itself in a process that keeps it fresh", async () => {
    const password = await openPassword(20);
    password.keepFresh();
    await system.rotate("publisher");
    await expect.poll(() => password.value).toBe(current());
  });

  it("is given to the next connections of a client, so that two rotations refuse it nothing", async () => {
    const password = await openPassword(0);
    const { client, errors } = connect(password);
    await client.ping();
    for (const _rotation of [1, 2]) {
      await system.rotate("publisher");
      await password.refreshIfOld();
    }
    await system.nodes[0]?.call("CLIENT", "KILL", "USER", "publisher");

    expect(await client.ping()).toBe("PONG");
    expect(errors.filter((text) => text.includes("WRONGPASS"))).toEqual([]);
  });

  it("is read again where Redis refuses it, and the call is made once more", async () => {
    const password = await openPassword();
    const { client, errors } = connect(password);
    await system.rotate("publisher");
    await system.rotate("publisher");

    expect(await password.run(() => client.ping())).toBe("PONG");
    expect(errors.filter((text) => text.includes("WRONGPASS"))).toHaveLength(1);
  });

  it("is read in no loop where Redis refuses the secret's value too, and the call fails with Redis's answer", async () => {
    const password = await openPassword();
    const { client } = connect(password);
    const before = system.secrets.reads.get(ARN) ?? 0;
    await system.setPasswords("publisher", ["a-password-set-by-hand"]);
    const calls: Promise<unknown>[] = Array.from({ length: 20 }, () => password.run(() => client.ping()));

    const outcomes = await Promise.allSettled(calls);

    expect(outcomes.map((outcome) => outcome.status === "rejected" && String(outcome.reason))).toEqual(
      calls.map(() => expect.stringContaining("WRONGPASS")),
    );
    expect((system.secrets.reads.get(ARN) ?? 0) - before).toBeLessThan(5);
    await system.setPasswords("publisher", [String(current())]);
  });

  it("stays as it is where the secret cannot be read, which is reported", async () => {
    const errors: Error[] = [];
    const password = await openPassword(0, errors);
    const held = password.value;
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9");

    await password.refreshIfOld();

    expect(password.value).toBe(held);
    expect(errors).toEqual([expect.any(RedisSecretError)]);
    expect(errors[0]?.message).toContain(ARN);
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", system.environment("publisher").AWS_ENDPOINT_URL_SECRETS_MANAGER);
  });
});
