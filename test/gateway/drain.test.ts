import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

it("SIGTERM: not ready, drain tells each client when to come back, closes in waves, exit 0", async () => {
  const gateway = await platform.addGateway({ RT_DRAIN_SECONDS: "2" });
  const index = platform.gateways.indexOf(gateway);
  const clients = await Promise.all(Array.from({ length: 8 }, () => platform.connect({ gateway: index })));
  const reasons: string[] = [];
  for (const { socket } of clients) {
    socket.io.reconnection(false);
    socket.on("disconnect", (reason) => reasons.push(reason));
  }
  const exit = gateway.stop("SIGTERM");
  await expect
    .poll(() => clients.map(({ events }) => events.some(({ name }) => name === "drain")))
    .not.toContain(false);
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
  expect(await exit).toBe(0);
  await expect.poll(() => reasons).toEqual(clients.map(() => "transport close"));
  const hints = clients.map(({ events }) => events.find(({ name }) => name === "drain")?.value);
  expect(new Set(hints.map((hint) => JSON.stringify(hint))).size).toBe(8);
});

it("messages published while a client reconnects are delivered when it resumes", async () => {
  const leaving = await platform.addGateway({ RT_DRAIN_SECONDS: "0" });
  const client = await platform.connect({ gateway: platform.gateways.indexOf(leaving), user: "mover" });
  await client.ask("subscribe", { channel: "user:orders" });
  const ids = await platform.publish([message("user:orders", "mover", 1)]);
  await client.waitForMessages("user:orders", 1);
  await leaving.stop("SIGTERM");
  ids.push(...(await platform.publish([message("user:orders", "mover", 2)])));
  const moved = await platform.connect({ user: "mover" });
  expect(await moved.ask("subscribe", { channel: "user:orders", lastId: ids[0] })).toMatchObject({ recovered: true });
  await expect.poll(() => moved.ids("user:orders")).toEqual(ids.slice(1));
});

it("a second signal does not cut the drain short", async () => {
  const gateway = await platform.addGateway({ RT_DRAIN_SECONDS: "1" });
  await platform.connect({ gateway: platform.gateways.indexOf(gateway) });
  const exit = gateway.stop("SIGTERM");
  gateway.process.kill("SIGINT");
  expect(await exit).toBe(0);
});

it("a request that never finishes does not keep the process alive", async () => {
  const gateway = await platform.addGateway();
  const peer = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  await once(peer, "connect");
  // Answered before it is complete: the connection stays busy.
  peer.write("POST /healthz HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\n\r\n");
  await once(peer, "data");
  peer.on("error", () => undefined);
  gateway.process.kill("SIGTERM");
  await expect.poll(() => gateway.process.exitCode).toBe(0);
  peer.destroy();
});
