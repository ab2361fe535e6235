import { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLinkProxy } from "../../drill/link-proxy.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { clientSuite } from "./client-suite.ts";
import { watch } from "./watch.ts";

const portOf = (platform: Platform, gateway: number): number =>
  Number(new URL(String(platform.gateways[gateway]?.url)).port);

clientSuite("gateway", async () => {
  const platform = await startPlatform({ gateways: 1 });
  const port = portOf(platform, 0);
  return { platform, port, urlOn: (other) => `http://127.0.0.1:${other}`, stop: () => platform.stop() };
});

describe("a client of gateways that come and go", () => {
  let platform: Platform;
  const clients: RealtimeClient[] = [];
  beforeAll(async () => {
    platform = await startPlatform({ gateways: 2, environment: { RT_DRAIN_SECONDS: "10" } });
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await platform.stop();
  });

  const connect = (port: number, user?: string): RealtimeClient => {
    const client = new RealtimeClient({
      url: `http://127.0.0.1:${port}`,
      token: user === undefined ? null : () => platform.issuer.sign({ sub: user }),
      backoff: { minimumMs: 20, maximumMs: 200 },
    });
    clients.push(client);
    return client;
  };

  it("sends one request for what ten components share, and one for all markets after a reconnection", async () => {
    const client = connect(portOf(platform, 0));
    const requests = () => platform.gateways[0]?.metric("rt_requests_total", 'event="subscribe"');
    const before = Number(await requests());
    const ten = Array.from({ length: 10 }, () => watch(client, "market:prices", { marketId: "ten" }));
    const others = Array.from({ length: 50 }, (_, index) =>
      watch(client, "market:prices", { marketId: `ten-${index}` }),
    );
    const all = [...ten, ...others];
    await expect.poll(() => all.every(({ subscription }) => subscription.status === "live")).toBe(true);
    expect(await requests()).toBe(before + 1);
    const [id] = await platform.publish([message("market:prices", "ten", 1)]);
    await expect.poll(() => ten.map((each) => each.ids())).toEqual(ten.map(() => [id]));
    client.reconnect();
    await expect
      .poll(() => all.every(({ statuses }) => statuses.at(-1) === "live" && statuses.length === 3))
      .toBe(true);
    expect(Number(await requests()) - before).toBeLessThanOrEqual(3);
  });

  it("requests no more values than its receivers need, and all once one needs all", async () => {
    const client = connect(portOf(platform, 0));
    const [rated, all] = [connect(portOf(platform, 0)), connect(portOf(platform, 0))].map((other, index) =>
      watch(other, "market:prices", { marketId: "rated", ...(index === 0 ? { maxRate: 2 } : {}) }),
    );
    const own = watch(client, "market:prices", { marketId: "rated", maxRate: 2 });
    await expect.poll(() => [rated, all, own].every((each) => each?.subscription.status === "live")).toBe(true);
    // Values that the gateway skipped.
    const replaced = async () => Number(await platform.gateways[0]?.metric("rt_replaced_total"));
    const before = await replaced();
    for (let number = 1; number <= 20; number += 1) {
      const [id] = await platform.publish([message("market:prices", "rated", number)]);
      await expect.poll(() => all?.ids().at(-1)).toBe(id);
    }
    await expect.poll(() => own.ids().at(-1)).toBe(all?.ids().at(-1));
    expect((await replaced()) - before).toBeGreaterThanOrEqual(10);
    const eager = watch(client, "market:prices", { marketId: "rated" });
    for (let number = 21; number <= 30; number += 1) {
      const [id] = await platform.publish([message("market:prices", "rated", number)]);
      await expect.poll(() => eager.ids().at(-1)).toBe(id);
    }
    expect(eager.ids().length).toBeGreaterThanOrEqual(10);
  });

  it("unsubscribes with the last receiver, and not before", async () => {
    const client = connect(portOf(platform, 0));
    const ended = () => platform.gateways[0]?.metric("rt_requests_total", 'event="unsubscribe"');
    const before = Number(await ended());
    const [first, second] = [watch(client, "monitor:signals"), watch(client, "monitor:signals")];
    await expect.poll(() => first.subscription.status).toBe("live");
    first.subscription.close();
    const third = watch(client, "monitor:signals");
    second.subscription.close();
    third.subscription.close();
    await expect.poll(ended).toBe(before + 1);
    const again = watch(client, "monitor:signals");
    await expect.poll(() => again.subscription.status).toBe("live");
  });

  it("moves to another gateway on drain before the connection ends, without a change of status", async () => {
    // The gateway closes connections one by one in the order of arrival: with 20 before it, the client has seconds.
    for (let others = 0; others < 20; others += 1) await platform.connect({ gateway: 0, reconnection: false });
    const link = await openLinkProxy();
    link.setTarget(portOf(platform, 0));
    const client = connect(link.port, "drained");
    const seen = watch(client, "user:orders");
    const trades = watch(client, "market:trades");
    await expect.poll(() => [seen, trades].every(({ subscription }) => subscription.status === "live")).toBe(true);
    const statuses: string[] = [];
    client.onStatus((status) => statuses.push(status));
    const ids: string[] = [];
    let isPublishing = true;
    const publishing = (async () => {
      for (let number = 1; isPublishing; number += 2) {
        ids.push(...(await platform.publish(messages("user:orders", "drained", 2, number))));
      }
    })();
    link.setTarget(portOf(platform, 1));
    const ended = platform.gateways[0]?.stop("SIGTERM");
    expect(await ended).toBe(0);
    isPublishing = false;
    await publishing;
    await expect.poll(seen.ids).toEqual(ids);
    expect([statuses, seen.statuses, trades.statuses]).toEqual([[], ["live"], ["live"]]);
    await link.close();
  });

  it("resumes without a gap when its gateway is killed and another one starts", async () => {
    const link = await openLinkProxy();
    const victim = await platform.addGateway();
    link.setTarget(Number(new URL(victim.url).port));
    const client = connect(link.port, "killed");
    const seen = watch(client, "user:orders");
    await expect.poll(() => seen.subscription.status).toBe("live");
    const ids = await platform.publish(messages("user:orders", "killed", 10));
    await expect.poll(seen.ids).toEqual(ids);
    await victim.stop("SIGKILL");
    ids.push(...(await platform.publish(messages("user:orders", "killed", 10, 11))));
    const successor = await platform.addGateway();
    link.setTarget(Number(new URL(successor.url).port));
    await expect.poll(seen.ids).toEqual(ids);
    expect(seen.gaps).toEqual([]);
    await link.close();
  });

  it("is stale while the gateway cannot reach Redis, and live again afterwards", async () => {
    const client = new RealtimeClient({
      url: `http://127.0.0.1:${portOf(platform, 1)}`,
      staleAfterMs: 1_500,
      backoff: { minimumMs: 20, maximumMs: 200 },
    });
    clients.push(client);
    const seen = watch(client, "market:prices", { marketId: "frozen" });
    await expect.poll(() => seen.subscription.status).toBe("live");
    platform.redis.process.kill("SIGSTOP");
    try {
      await expect.poll(() => seen.subscription.status).toBe("stale");
    } finally {
      platform.redis.process.kill("SIGCONT");
    }
    await expect.poll(() => seen.subscription.status).toBe("live");
    const [id] = await platform.publish([message("market:prices", "frozen", 1)]);
    await expect.poll(seen.ids).toEqual([id]);
    expect(client.status).toBe("connected");
  });
});
