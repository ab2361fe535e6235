import { setTimeout as delay } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RealtimeClient } from "../../client/core/client.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createKeyServer, type KeyServer } from "../support/key-server.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
const open: { close(): unknown }[] = [];
beforeAll(async () => {
  platform = await startPlatform({ gateways: 0 });
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => platform.stop());

async function startWith(keys: KeyServer): Promise<GatewayProcess> {
  const { RT_AUTH_JWKS: _, ...issuer } = platform.issuer.env;
  const environment = { ...issuer, ...keys.environment, RT_AUTH_JWKS_URI: keys.uri, RT_REDIS_URL: platform.redis.url };
  const gateway = await startGateway(environment);
  open.push({ close: () => gateway.stop("SIGKILL") });
  return gateway;
}

/** Connects a stock client with the library's default settings. */
function connectStock({ url }: GatewayProcess, token: string): Socket {
  const socket = io(`${url}/ws`, { transports: ["websocket"], forceNew: true, auth: { token } });
  open.push(socket);
  return socket;
}

const refusals = (gateway: GatewayProcess, code: string): Promise<number> =>
  gateway.metric("rt_connections_refused_total", `code="${code}"`);

describe.each([
  ["cannot be reached", async () => undefined],
  ["accepts and stays silent", (keys: KeyServer) => keys.stayAndBeSilent()],
])("while the issuer of the keys %s", (_, begin) => {
  it("a stock client and the SDK retry on their own, and connect once the issuer answers", async () => {
    const keys = await createKeyServer(platform.issuer.env.RT_AUTH_JWKS);
    open.push(keys);
    await begin(keys);
    const gateway = await startWith(keys);
    const token = await platform.issuer.sign({ sub: "patient" });

    const socket = connectStock(gateway, token);
    const refused: unknown[] = [];
    socket.on("connect_error", (error) => refused.push(error));
    const sdk = new RealtimeClient({ url: gateway.url, token: async () => token });
    open.push(sdk);
    sdk.subscribe("user:orders", { onMessage: () => undefined });
    await expect.poll(() => refusals(gateway, "unavailable"), { timeout: 120_000 }).toBeGreaterThan(2);
    expect([socket.connected, refused]).toEqual([false, []]);

    await keys.answer();
    await expect.poll(() => socket.connected, { timeout: 120_000 }).toBe(true);
    const answer = await socket.timeout(10_000).emitWithAck("subscribe", { channel: "user:orders" });
    expect(answer).toMatchObject({ id: "0-0" });
    await expect.poll(() => sdk.status, { timeout: 120_000 }).toBe("connected");
  });
});

describe("a permanent refusal", () => {
  it("is sent as connect_error, once, and the client does not reconnect", async () => {
    const gateway = await startGateway({ ...platform.issuer.env, RT_REDIS_URL: platform.redis.url });
    open.push({ close: () => gateway.stop("SIGKILL") });
    const socket = connectStock(gateway, "no token");
    const refused: unknown[] = [];
    socket.on("connect_error", (error) => refused.push(error));
    await expect.poll(() => refused.length).toBe(1);
    expect(refused).toMatchObject([{ data: { code: "token_invalid" } }]);
    await delay(2_000);
    expect([refused.length, await refusals(gateway, "token_invalid")]).toEqual([1, 1]);
  });
});

describe("a full gateway", () => {
  it("counts the connections that it refuses, and admits a stock client that retries once there is room", async () => {
    const gateway = await startGateway({
      ...{ ...platform.issuer.env, RT_REDIS_URL: platform.redis.url, RT_MAX_CONNECTIONS: "1" },
      RT_CORS_ORIGINS: "https://app.example",
    });
    open.push({ close: () => gateway.stop("SIGKILL") });
    const token = await platform.issuer.sign({ sub: "first" });
    const first = connectStock(gateway, token);
    await expect.poll(() => first.connected).toBe(true);
    const second = connectStock(gateway, token);
    await expect.poll(() => refusals(gateway, "full")).toBeGreaterThan(0);
    const elsewhere = io(`${gateway.url}/ws`, {
      ...{ transports: ["websocket"], forceNew: true, reconnection: false },
      extraHeaders: { origin: "https://evil.example" },
    });
    open.push(elsewhere);
    await expect.poll(() => refusals(gateway, "origin")).toBe(1);
    first.disconnect();
    await expect.poll(() => second.connected, { timeout: 120_000 }).toBe(true);
  });
});
