import { randomUUID } from "node:crypto";
import { ElastiCacheClient } from "@aws-sdk/client-elasticache";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { RedisUser } from "../../lambdas/rotation/redis-user.ts";
import { tryPassword } from "../../lambdas/rotation/try-password.ts";
import { type RotationSystem, secretArn, startRotationSystem } from "../support/rotation-system.ts";
import { startSilentServer } from "../support/silent-server.ts";

const ARN = secretArn("publisher");

let system: RotationSystem;
beforeAll(async () => {
  system = await startRotationSystem("a three-node cluster");
});
afterEach(() => {
  system.secrets.afterRequest = () => Promise.resolve();
  system.users.afterRequest = () => Promise.resolve();
});
afterAll(() => system.stop());

const current = (): string | undefined => system.secrets.valueOf(ARN);
const isAccepted = (password: string | undefined) => system.accepts("publisher", password);
const step = (name: string, token: string) =>
  system.invoke("publisher", { Step: name, SecretId: ARN, ClientRequestToken: token });

/** Calls the function after each request to AWS, with the request's number and name, before it gets the answer. */
function afterEachRequest(listener: (number: number, operation: string) => Promise<void>): void {
  let number = 0;
  const afterRequest = (operation: string): Promise<void> => {
    number += 1;
    return listener(number, operation);
  };
  system.secrets.afterRequest = afterRequest;
  system.users.afterRequest = afterRequest;
}

describe("a rotation", () => {
  it("puts a new password in use, and leaves the old one valid until the next rotation", async () => {
    const first = current();
    await system.rotate("publisher");
    const second = current();

    expect(second).toMatch(/^[A-Za-z0-9]{64}$/);
    expect([await isAccepted(first), await isAccepted(second)]).toEqual([true, true]);

    await system.rotate("publisher");

    expect([await isAccepted(first), await isAccepted(second), await isAccepted(current())]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it("has the password in use accepted after every one of its requests, the old one too", async () => {
    const seen: string[] = [];
    const refused: string[] = [];
    const old = current();
    afterEachRequest(async (_number, operation) => {
      seen.push(operation);
      if (!(await isAccepted(current())) || !(await isAccepted(old))) refused.push(operation);
    });

    await system.rotate("publisher");

    expect(refused).toEqual([]);
    expect(new Set(seen)).toEqual(
      new Set([
        ...["DescribeSecret", "GetSecretValue", "PutSecretValue", "DescribeUsers", "ModifyUser"],
        "UpdateSecretVersionStage",
      ]),
    );
  });

  it("comes to its end where the function is ended after any of its requests, with no other password", async () => {
    let requests = 0;
    afterEachRequest((number) => {
      requests = number;
      return Promise.resolve();
    });
    await system.rotate("publisher");
    const outcomes: object[] = [];
    for (let last = 1; last <= requests; last += 1) {
      const old = current();
      let stored: string | undefined;
      let wasRefused = false;
      let kills = 0;
      afterEachRequest(async (number) => {
        wasRefused ||= !(await isAccepted(current()));
        if (number !== last) return;
        stored = system.secrets.valueOf(ARN, "AWSPENDING");
        kills += 1;
        system.killFunction("publisher");
      });

      await system.rotate("publisher");

      const isKept = stored === undefined || stored === old || stored === current();
      outcomes.push({ kills, wasRefused, isKept, isNew: current() !== old, old: await isAccepted(old) });
    }
    expect(requests).toBeGreaterThan(10);
    expect(outcomes).toEqual(
      outcomes.map(() => ({ kills: 1, wasRefused: false, isKept: true, isNew: true, old: true })),
    );
  });

  it.each(["createSecret", "setSecret", "testSecret", "finishSecret"])("may repeat %s", async (repeated) => {
    const old = current();
    const token = system.secrets.beginRotation(ARN);
    for (const name of ["createSecret", "setSecret", "testSecret", "finishSecret"]) {
      await step(name, token);
      if (name === repeated) await step(name, token);
    }

    expect(current()).not.toBe(old);
    expect([await isAccepted(old), await isAccepted(current())]).toEqual([true, true]);
  });

  it("waits for another change of the user", async () => {
    system.users.refusals = 2;
    await system.rotate("publisher");
    expect(await isAccepted(current())).toBe(true);
  });

  it("mends a user whose passwords are not those of the secret", async () => {
    await system.setPasswords("publisher", ["a-password-set-by-hand"]);
    await system.rotate("publisher");
    expect(await isAccepted(current())).toBe(true);
  });
});

describe("a rotation that must not go on", () => {
  it("leaves the old password in use where Redis does not accept the new one, and says so", async () => {
    const old = current();
    const token = system.secrets.beginRotation(ARN);
    await step("createSecret", token);
    await step("setSecret", token);
    await step("testSecret", token);
    // A deploy of the user at this moment.
    await system.setPasswords("publisher", [String(old)]);

    await expect(step("finishSecret", token)).rejects.toThrow(
      /Redis does not accept the new password of user publisher on every node: WRONGPASS/,
    );
    expect(current()).toBe(old);

    await system.rotate("publisher");
    expect(current()).not.toBe(old);
    expect(await isAccepted(current())).toBe(true);
  });

  it("gives up where the user does not become active, and says which one it is", async () => {
    const { AWS_ENDPOINT_URL_ELASTICACHE: endpoint = "" } = system.environment("publisher");
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const client = new ElastiCacheClient({ endpoint, region: "us-east-1", credentials });
    const user = new RedisUser(client, "test-publisher", { pollMs: 5, applyMs: 50 });
    system.users.refusals = Number.POSITIVE_INFINITY;

    await expect(user.setPasswords(["a-password-of-the-test", "another-of-the-test"])).rejects.toThrow(
      "user test-publisher did not become active within 50 ms: rotate again later",
    );
    system.users.refusals = 0;
    client.destroy();
  });

  it.each(["false", "true"])("gives up where Redis does not answer (cluster: %s)", async (isCluster) => {
    const server = await startSilentServer();
    const url = `redis://127.0.0.1:${server.port}`;
    const variables = { RT_REDIS_URL: url, RT_REDIS_CLUSTER: isCluster, RT_REDIS_USERNAME: "publisher" };
    const attempt = tryPassword(parseEnvironment(redisEnvironment, variables), "a-password-of-the-test");

    await expect(attempt).rejects.toThrow(/does not accept the new password of user publisher on every node: .*time/i);
    await server.stop();
  });

  it.each([
    [
      "another secret",
      () => ({ SecretId: secretArn("gateway") }),
      /this function rotates .*:publisher, not .*:gateway/,
    ],
    ["a version of no rotation", () => ({ ClientRequestToken: randomUUID() }), /is not AWSPENDING, so no rotation/],
    ["an unknown step", () => ({ Step: "setPassword" }), /Step/],
  ])("refuses %s", async (_name, change, message) => {
    const old = current();
    const ClientRequestToken = system.secrets.beginRotation(ARN);
    const event = { Step: "createSecret", SecretId: ARN, ClientRequestToken, ...change() };
    await expect(system.invoke("publisher", event)).rejects.toThrow(message);
    expect(current()).toBe(old);
  });
});
