import { setTimeout as delay } from "node:timers/promises";
import { ConnectionError, type Token } from "@vezta/realtime-client";
import { describe, expect, it } from "vitest";
import { readClaims } from "../../client/core/tokens/token-claims.ts";
import { messages } from "../support/messages.ts";
import { startFrameServer } from "./frame-server.ts";
import { setUpClients, setUpGateway } from "./set-up.ts";
import { watch } from "./watch.ts";

describe("a client whose token function fails", () => {
  const gateway = setUpGateway();
  const create = setUpClients();

  function connect(token: Token, user: string) {
    const errors: Error[] = [];
    const client = gateway.connect({ token, tokenTimeoutMs: 300, onError: (error) => errors.push(error) });
    const [orders, prices] = [watch(client, "user:orders"), watch(client, "market:prices", { marketId: user })];
    return { errors, orders, prices };
  }

  const failures: readonly (readonly [string, () => Promise<string>, string])[] = [
    ["never settles", () => new Promise(() => undefined), "has not settled within 0.3 s"],
    ["throws", () => Promise.reject(new Error("no session")), "no session"],
  ];

  it.each(failures)(
    "has the public channels when it %s, and the private ones once it returns a token",
    async (name, fail, reason) => {
      const user = `fails-${name.replace(" ", "-")}`;
      let isFailing = true;
      const { errors, orders, prices } = connect(
        () => (isFailing ? fail() : gateway.platform.issuer.sign({ sub: user })),
        user,
      );
      await expect.poll(() => prices.subscription.status).toBe("live");
      expect(orders.statuses).toEqual([]);
      const [first] = errors;
      expect(first).toBeInstanceOf(ConnectionError);
      expect(first).toMatchObject({ code: "token_failed", attempt: 1, nextRetryMs: expect.any(Number) });
      expect(first?.message).toContain(reason);
      isFailing = false;
      await expect.poll(() => orders.subscription.status).toBe("live");
      const ids = await gateway.platform.publish(messages("user:orders", user, 2));
      await expect.poll(orders.ids).toEqual(ids);
      expect(prices.statuses).toEqual(["live"]);
    },
  );

  it("continues when its error listener throws, and leaves the error to the platform", async () => {
    const thrown: unknown[] = [];
    const catchThrown = (error: unknown): void => void thrown.push(error);
    process.on("uncaughtException", catchThrown);
    const others = process.listeners("uncaughtException").filter((listener) => listener !== catchThrown);
    for (const listener of others) process.off("uncaughtException", listener);
    try {
      let turn = 0;
      const client = gateway.connect({
        token: () => {
          turn += 1;
          if (turn === 1) throw new Error("not yet");
          return gateway.platform.issuer.sign({ sub: "listener" });
        },
        onError: () => {
          throw new Error("of the application");
        },
      });
      const orders = watch(client, "user:orders");
      await expect.poll(() => orders.subscription.status).toBe("live");
      expect(thrown.map(String)).toEqual(["Error: of the application"]);
    } finally {
      process.off("uncaughtException", catchThrown);
      for (const listener of others) process.on("uncaughtException", listener);
    }
  });

  it("renews before the token expires without TextDecoder and atob, as on Hermes", async () => {
    const before = { TextDecoder: globalThis.TextDecoder, atob: globalThis.atob };
    let asked = 0;
    const sign = async () => {
      asked += 1;
      return gateway.platform.issuer.sign({ sub: "hermes-Ørsted-☂", expiresInSeconds: 3 });
    };
    const token = await sign();
    try {
      Reflect.deleteProperty(globalThis, "TextDecoder");
      Reflect.deleteProperty(globalThis, "atob");
      expect(readClaims(token)).toMatchObject({ sub: "hermes-Ørsted-☂", expiresAt: expect.any(Number) });
      const { orders } = connect(sign, "hermes");
      await expect.poll(() => asked).toBeGreaterThanOrEqual(4);
      expect([orders.statuses, orders.errors]).toEqual([["live"], []]);
    } finally {
      Object.assign(globalThis, before);
    }
  });

  it("does not renew immediately a token that lives longer than a timer can wait", async () => {
    const server = await startFrameServer();
    const claims = { sub: "long", iat: Date.now() / 1_000, exp: Date.now() / 1_000 + 90 * 86_400 };
    let asked = 0;
    const client = create({
      url: server.url,
      token() {
        asked += 1;
        return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
      },
    });
    const orders = watch(client, "user:orders");
    await expect.poll(() => orders.subscription.status).toBe("live");
    // Long enough for a timer that fires immediately, many times over.
    await delay(300);
    expect([asked, server.requestsOf("authenticate")]).toEqual([1, []]);
    await server.stop();
  });
});
