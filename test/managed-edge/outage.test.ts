import { expect, it } from "vitest";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { startTestEdge } from "../support/edge.ts";

const edge = await startTestEdge();

it("answers `unavailable` without Redis, sends no heartbeat, and keeps the connection", async () => {
  const client = await edge.connect();
  await client.ask("subscribe", { channel: "monitor:signals" });
  const id = edge.api.connectionIds().at(-1) ?? "";
  await edge.redis.stop();

  const answer = await client.ask("subscribe", { channel: "market:trades" });
  await client.ask("ping");

  expect(answer).toMatchObject({ code: "unavailable" });
  expect(client.frames.map(({ event }) => event)).toEqual(["subscribed", "error", "pong"]);
  const { connections } = openTable(String(process.env.RT_EDGE_TABLE));
  expect([...((await connections.find(id))?.subscriptions.keys() ?? [])]).toEqual(["{monitor:signals}"]);
});

it("refuses the requests of a connection that the table does not know", async () => {
  const client = await edge.connect();
  const id = edge.api.connectionIds().at(-1) ?? "";
  await openTable(String(process.env.RT_EDGE_TABLE)).connections.remove({ id, connectedAt: Date.now() });

  expect(await client.ask("subscribe", { channel: "market:trades" })).toMatchObject({ code: "unavailable" });
});
