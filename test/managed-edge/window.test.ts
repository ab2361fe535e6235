import { expect, it } from "vitest";
import { startTestEdge } from "../support/edge.ts";
import { message } from "../support/messages.ts";

// Long beside the time that publishing takes, also on a slow machine.
process.env.RT_EDGE_WINDOW_MS = "2000";
const edge = await startTestEdge({ maximumConcurrency: 2 });

it("updates within the window share posts, in order", async () => {
  const client = await edge.connect();
  await client.ask("subscribe", { channel: "market:trades" });
  const before = client.posts;
  const ids: string[] = [];
  for (let number = 1; number <= 40; number += 1) {
    ids.push(...(await edge.publish([message("market:trades", `market-${number % 8}`, number)])));
  }
  await expect.poll(() => client.messages.length).toBe(40);
  for (const market of Array.from({ length: 8 }, (_, index) => `market-${index}`)) {
    const received = client.messages.filter(({ marketId }) => marketId === market);
    expect(received.slice(1).map(({ prev }) => prev)).toEqual(received.slice(0, -1).map(({ id }) => id));
  }
  expect(new Set(client.ids("market:trades"))).toEqual(new Set(ids));
  expect(client.posts - before).toBeLessThan(20);
});
