import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionError, RealtimeClient, type RealtimeClientOptions } from "@vezta/realtime-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startEdge } from "../support/edge.ts";
import { messages } from "../support/messages.ts";
import { startPlatform } from "../support/platform.ts";
import { answerPlainly, startFrameServer } from "./frame-server.ts";
import { type FreezableLink, openFreezableLink } from "./freezable-link.ts";
import { installPlatformEvents } from "./platform-events.ts";
import { watch } from "./watch.ts";

const edges = {
  async gateway() {
    const platform = await startPlatform({ gateways: 1 });
    const port = Number(new URL(String(platform.gateways[0]?.url)).port);
    return { port, urlOn: (other: number) => `http://127.0.0.1:${other}`, platform, stop: () => platform.stop() };
  },
  async managed() {
    const edge = await startEdge();
    const urlOn = (other: number) => `ws://127.0.0.1:${other}/local`;
    return { port: edge.api.port, urlOn, platform: edge, stop: () => edge.stop() };
  },
} as const;

let platformEvents: ReturnType<typeof installPlatformEvents>;
beforeEach(() => {
  platformEvents = installPlatformEvents();
});
afterEach(() => platformEvents.restore());

describe.each(["gateway", "managed"] as const)(
  "a client of the %s edge whose network changes without a sign",
  (name) => {
    let edge: Awaited<ReturnType<(typeof edges)[typeof name]>>;
    let link: FreezableLink;
    const clients: RealtimeClient[] = [];
    beforeAll(async () => {
      edge = await edges[name]();
    });
    beforeEach(async () => {
      link = await openFreezableLink(edge.port);
    });
    afterEach(async () => {
      for (const client of clients.splice(0)) client.close();
      await link.close();
    });
    afterAll(() => edge.stop());

    async function begin(marketId: string, options: Partial<RealtimeClientOptions> = {}) {
      const errors: Error[] = [];
      const client = new RealtimeClient({
        url: edge.urlOn(link.port),
        backoff: { minimumMs: 20, maximumMs: 200 },
        onError: (error) => errors.push(error),
        ...options,
      });
      clients.push(client);
      const seen = watch(client, "market:trades", { marketId });
      await expect.poll(() => seen.subscription.status).toBe("live");
      const ids = await edge.platform.publish(messages("market:trades", marketId, 3));
      await expect.poll(seen.ids).toEqual(ids);
      return { client, seen, ids, errors };
    }

    const wakes = {
      online: () => platformEvents.emit("online"),
      visible: () => platformEvents.show("visible"),
      probe: (client: RealtimeClient) => client.probe(),
    };

    it.each(["online", "visible", "probe"] as const)("probes on %s, and reconnects without an answer", async (wake) => {
      const { client, seen, ids, errors } = await begin(wake);
      link.freeze();
      ids.push(...(await edge.platform.publish(messages("market:trades", wake, 3, 4))));
      wakes[wake](client);
      // Without the probe the transport takes half a minute to notice.
      await expect.poll(seen.ids, { timeout: 20_000 }).toEqual(ids);
      expect(seen.gaps).toEqual([]);
      expect(errors.map(({ message }) => message)).toEqual(["connection lost: no answer to a probe within 3 s"]);
      expect((errors[0] as ConnectionError).code).toBe("connection_lost");
    });

    it("probes once a subscription is stale, and reconnects", async () => {
      const { seen, ids, errors } = await begin("stale", { staleAfterMs: 3_000, pingIntervalMs: 1_000_000 });
      link.freeze();
      ids.push(...(await edge.platform.publish(messages("market:trades", "stale", 3, 4))));
      await expect.poll(seen.ids).toEqual(ids);
      expect(seen.statuses).toContain("stale");
      expect(errors[0]?.message).toBe("connection lost: no answer to a probe within 3 s");
    });

    it("keeps a connection that answers", async () => {
      const { client, seen } = await begin("quiet", { pingIntervalMs: 1_000_000 });
      const statuses: string[] = [];
      client.onStatus((status) => statuses.push(status));
      for (let turn = 0; turn < 5; turn += 1) {
        wakes.online();
        wakes.visible();
        client.probe();
        await delay(50);
      }
      await delay(3_500);
      expect([statuses, link.count(), seen.statuses]).toEqual([[], 1, ["live"]]);
    });

    it("is stale immediately when the device goes offline, and live once the connection has answered", async () => {
      const { client, seen, ids } = await begin("offline", { pingIntervalMs: 1_000_000 });
      const late = () => watch(client, "market:trades", { marketId: "offline" });
      platformEvents.emit("offline");
      expect(seen.subscription.status).toBe("stale");
      // A heartbeat of the gateway would show that the device is online; the managed edge sends none unless it is pinged.
      if (name === "managed") expect(late().subscription.status).toBe("stale");
      platformEvents.emit("online");
      await expect.poll(() => seen.subscription.status).toBe("live");
      ids.push(...(await edge.platform.publish(messages("market:trades", "offline", 1, 4))));
      await expect.poll(seen.ids).toEqual(ids);
      expect([seen.statuses, link.count()]).toEqual([["live", "stale", "live"], 1]);
    });

    it("does not wait for its next attempt after a probe", async () => {
      const { client, seen } = await begin("waiting", { backoff: { minimumMs: 1_000_000, maximumMs: 1_000_000 } });
      const { port } = link;
      await link.close();
      await expect.poll(() => client.status).toBe("connecting");
      link = await openFreezableLink(edge.port, port);
      client.probe();
      await expect.poll(() => seen.subscription.status).toBe("live");
    });
  },
);

describe("a client of a service that does not answer", () => {
  it("requests a subscription again that stays silent although the connection answers", async () => {
    const server = await startFrameServer();
    const client = new RealtimeClient({ url: server.url, staleAfterMs: 1_500 });
    const seen = watch(client, "market:prices", { marketId: "m" });
    await expect.poll(() => seen.statuses).toEqual(["live", "stale", "live"]);
    expect(server.requestsOf("subscribe").length).toBe(2);
    expect([client.status, server.peers.length]).toEqual(["connected", 1]);
    client.close();
    await server.stop();
  });

  it("rejects a renewal of the token that the service does not answer", async () => {
    const server = await startFrameServer((peer, request) => {
      if (request.event !== "authenticate") answerPlainly(peer, request);
    });
    const client = new RealtimeClient({ url: server.url, token: () => "a.b.c" });
    await expect.poll(() => client.status).toBe("connected");
    await expect(client.authenticate()).rejects.toMatchObject({ code: "unavailable" });
    client.close();
    await server.stop();
  });

  it("reconnects when the service does not answer a request, and is not live meanwhile", async () => {
    const server = await startFrameServer((peer, request) => {
      if (peer !== server.peers[0]) answerPlainly(peer, request);
    });
    const client = new RealtimeClient({ url: server.url, backoff: { minimumMs: 20, maximumMs: 200 } });
    const seen = watch(client, "market:prices", { marketId: "m" });
    await expect.poll(() => server.requestsOf("ping").length, { timeout: 30_000 }).toBe(1);
    expect(seen.statuses).toEqual([]);
    await expect.poll(() => seen.statuses, { timeout: 30_000 }).toEqual(["live"]);
    expect(server.peers.length).toBe(2);
    client.close();
    await server.stop();
  }, 90_000);
});
