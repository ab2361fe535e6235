import { randomUUID } from "node:crypto";
import type { SQSEvent } from "aws-lambda";
import { expect, it } from "vitest";
import * as z from "zod";
import { channels } from "../../contract/channels.ts";
import { createEdgeQueue } from "../../kernel/managed-edge/edge-queue.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { openPoster } from "../../lambdas/managed-edge/clients.ts";
import { createFanOut } from "../../lambdas/managed-edge/fan-out/fan-out.ts";
import { createEdgeStreams } from "../../lambdas/managed-edge/streams/edge-streams.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { startTestEdge } from "../support/edge.ts";
import { messages } from "../support/messages.ts";

const edge = await startTestEdge();

it("splits a large room over several invocations; every client gets every message in order", async () => {
  const errors: unknown[] = [];
  const fanOut = createFanOut({
    ...openTable(String(process.env.RT_EDGE_TABLE)),
    streams: createEdgeStreams(edge.commands),
    reader: createStreamReader(edge.commands),
    readState: (stream) => readState(edge.commands, stream),
    poster: openPoster(edge.api.managementUrl),
    enqueueHints: await createEdgeQueue(edge.queue.environment.RT_EDGE_QUEUE_URL),
    splitOver: 10,
    windowMs: 0,
    onError: (error) => errors.push(error),
    onCursorReplaced: (channel) => errors.push(`a cursor of ${channel} was replaced`),
  });
  const groups = new Set<string | undefined>();
  edge.faults.fanOut = (event: SQSEvent) => {
    for (const { attributes } of event.Records) groups.add(attributes.MessageGroupId);
    return fanOut(event);
  };
  const clients = await Promise.all(Array.from({ length: 40 }, () => edge.connect()));
  for (const channel of ["market:trades", "market:prices"] as const) {
    await Promise.all(clients.map((client) => client.ask("subscribe", { channel, marketId: "large" })));
    const ids: string[] = [];
    for (let number = 1; number <= 30; number += 1) {
      ids.push(...(await edge.publish(messages(channel, "large", 1, number))));
    }
    for (const client of clients) {
      await expect.poll(() => client.ids(channel).at(-1)).toBe(ids.at(-1));
      const received = client.of(channel);
      expect(received.slice(1).map(({ prev }) => prev)).toEqual(received.slice(0, -1).map(({ id }) => id));
      if (channel === "market:trades") expect(client.ids(channel)).toEqual(ids);
    }
  }
  const parts = [0, 1, 2, 3].map((shard) => `{market:trades}:large/${shard}`);
  expect([...groups]).toEqual(expect.arrayContaining(["{market:trades}:large", ...parts]));
  expect(errors).toEqual([]);
  edge.faults.fanOut = (event, run) => run(event);
});

it("serves a channel that is added to the contract, with no other change", async () => {
  const added = "user:alerts";
  const payload = z.object({ level: z.string() });
  Object.assign(channels, { [added]: { ...channels["user:orders"], payload } });
  const client = await edge.connect({ user: "watcher" });
  expect(await client.ask("subscribe", { channel: added })).toEqual({ channel: added, id: "0-0" });
  const data = { level: "high" };
  const [outcome] = await edge.publisher.publish([
    { channel: added, key: "watcher", eventId: randomUUID(), data } as never,
  ]);
  await expect.poll(() => client.messages).toMatchObject([{ channel: added, data, prev: "0-0" }]);
  expect(outcome).toMatchObject({ status: "published", id: client.messages[0]?.id });
  await client.ask("unsubscribe", { channel: added });
});
