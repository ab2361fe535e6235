import { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Edge, startEdge } from "../support/edge.ts";
import { messages } from "../support/messages.ts";
import { watch } from "./watch.ts";

describe("a client of the managed edge, which limits the life of connections", () => {
  let edge: Edge;
  const clients: RealtimeClient[] = [];
  beforeAll(async () => {
    edge = await startEdge();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await edge.stop();
  });

  async function expectHandOver(user: string, connectionLifetimeMs: number, begin: () => void): Promise<void> {
    const client = new RealtimeClient({
      url: edge.api.url,
      token: () => edge.issuer.sign({ sub: user }),
      pingIntervalMs: 300,
      connectionLifetimeMs,
    });
    clients.push(client);
    const seen = watch(client, "user:orders");
    await expect.poll(() => seen.subscription.status).toBe("live");
    begin();
    const [first] = edge.api.connectionIds();
    const statuses: string[] = [];
    client.onStatus((status) => statuses.push(status));
    const ids: string[] = [];
    for (let number = 1; edge.api.connectionIds().some((id) => id === first); number += 1) {
      ids.push(...(await edge.publish(messages("user:orders", user, 1, number))));
    }
    await expect.poll(seen.ids).toEqual(ids);
    expect([statuses, seen.statuses, seen.gaps]).toEqual([[], ["live"], []]);
    client.close();
    await expect.poll(() => edge.api.connectionIds()).toEqual([]);
  }

  it("replaces a connection when the service announces its end", async () => {
    edge.faults.initialAgeMs = 119 * 60_000;
    await expectHandOver("announced", 6_600_000, () => {
      edge.faults.initialAgeMs = 0;
    });
  });

  it("replaces a connection by its own clock too", async () => {
    await expectHandOver("aged", 1_500, () => undefined);
  });
});
