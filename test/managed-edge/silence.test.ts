import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPoster } from "../../lambdas/managed-edge/clients.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
import { startTestEdge } from "../support/edge.ts";
import { messages } from "../support/messages.ts";

const edge = await startTestEdge();

describe("a request to a peer that accepts the connection and never answers", () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
  });
  const endpoint = async (): Promise<string> => {
    if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  let table: string | undefined;
  beforeEach(() => {
    table = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  });
  afterEach(() => {
    process.env.AWS_ENDPOINT_URL_DYNAMODB = table;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it.each([
    ["PostToConnection", async (url: string) => openPoster(url).send("somebody", ["{}"])],
    ["DeleteConnection", async (url: string) => openPoster(url).close("somebody")],
    ["DynamoDB, reading", async () => openTable("managed-edge").connections.find("somebody")],
    [
      "DynamoDB, writing",
      async () => openTable("managed-edge").connections.add({ id: "somebody", connectedAt: Date.now() }, undefined),
    ],
    [
      "DynamoDB, writing many",
      async () =>
        openTable("managed-edge").connections.saveSubscriptions({ id: "somebody", connectedAt: Date.now() }, [
          { topic: { channel: "monitor:signals" }, isLive: true, view: {} },
        ]),
    ],
  ])("fails in time: %s", async (_name, ask) => {
    const url = await endpoint();
    process.env.AWS_ENDPOINT_URL_DYNAMODB = url;
    const before = sockets.length;

    await expect(ask(url)).rejects.toThrow();

    expect(sockets.length).toBeGreaterThan(before);
  });
});

describe.each(["silent", "failed", undefined] as const)(
  "a post that is never answered, closing the connection %s",
  (close) => {
    it("holds up no other connection: that one is closed, and the queue drains", async () => {
      const market = `silent-${close}`;
      const [silent, swift] = [await edge.connect(), await edge.connect()];
      const silentId = edge.api.connectionIds().at(-2) ?? "";
      for (const client of [silent, swift])
        await client.ask("subscribe", { channel: "market:trades", marketId: market });
      edge.faults.post = (id) => (id === silentId ? "silent" : undefined);
      edge.faults.close = (id) => (id === silentId ? close : undefined);

      const ids: string[] = [];
      for (let number = 1; number <= 60; number += 1) {
        ids.push(...(await edge.publish(messages("market:trades", market, 1, number))));
      }

      await expect.poll(() => swift.ids("market:trades")).toEqual(ids);
      await expect.poll(() => edge.queue.size()).toBe(0);
      const { connections } = openTable(String(process.env.RT_EDGE_TABLE));
      await expect.poll(() => connections.find(silentId)).toBeUndefined();
      if (close === undefined) await expect.poll(() => silent.closeCode).toBe(1_000);
      // Where closing failed the connection is still open: its next request is refused, and closes it.
      Object.assign(edge.faults, noFaults());
      if (close !== undefined) expect(await silent.ask("ping")).toMatchObject({ code: "unavailable" });
      await expect.poll(() => silent.closeCode).toBe(1_000);
    });
  },
);

it("a table that never answers: a request is refused in time, and a fan-out is retried", async () => {
  const client = await edge.connect();
  await client.ask("subscribe", { channel: "market:trades", marketId: "no-table" });
  edge.faults.table = () => "silent";

  const answer = await client.ask("subscribe", { channel: "market:trades", marketId: "another" });
  const [id] = await edge.publish(messages("market:trades", "no-table", 1));
  edge.faults.table = () => undefined;

  expect(answer).toMatchObject({ marketId: "another" });
  expect(["internal", "unavailable"]).toContain(answer.code);
  await expect.poll(() => client.ids("market:trades")).toEqual([id]);
});
