import { afterEach, describe, expect, it } from "vitest";
import { answerPlainly, type FrameServer, type Peer, type Request, startFrameServer } from "./frame-server.ts";
import { setUpClients, untilLive } from "./set-up.ts";
import { watch } from "./watch.ts";

const entry = (channel: string, number: number, more: object = {}) => ({
  channel,
  data: { number },
  id: `${number}-0`,
  prev: `${number - 1}-0`,
  ...more,
});

describe("a client of a service that ends subscriptions", () => {
  let server: FrameServer;
  const create = setUpClients();
  afterEach(() => server.stop());
  const connect = () => create({ url: server.url });
  const peer = (): Peer => server.peers[0] as Peer;

  it("resumes a subscription that ended with a temporary error", async () => {
    server = await startFrameServer();
    const client = connect();
    const [ended, other] = ["a", "b"].map((marketId) => watch(client, "market:trades", { marketId, lastId: "5-0" }));
    await expect.poll(() => [ended, other].map((each) => each?.subscription.status)).toEqual(["live", "live"]);
    peer().send("data", entry("market:trades", 6, { marketId: "a", prev: "5-0" }));
    await expect.poll(ended?.ids ?? (() => [])).toEqual(["6-0"]);
    const before = server.requestsOf("subscribe").length;
    peer().send("error", { code: "unavailable", message: "cannot go on", channel: "market:trades", marketId: "a" });
    await expect.poll(() => ended?.statuses).toEqual(["live", "resuming", "live"]);
    const asked = server.requestsOf("subscribe").slice(before);
    expect(asked.map(({ data }) => data)).toEqual([{ channel: "market:trades", marketId: "a", lastId: "6-0" }]);
    expect([other?.statuses, ended?.errors]).toEqual([["live"], []]);
  });

  it("handles an error that follows the reply to a request as the end of all its subscriptions", async () => {
    server = await startFrameServer();
    const client = connect();
    const both = ["a", "b"].map((marketId) => watch(client, "market:prices", { marketId }));
    const statuses = () => both.map((each) => each.statuses);
    await expect.poll(statuses).toEqual([["live"], ["live"]]);
    const [first] = server.requestsOf("subscribe");
    // Earlier servers did not name the market.
    peer().send("error", { code: "unavailable", message: "not level", channel: "market:prices" }, first?.id);
    await expect.poll(statuses).toEqual([
      ["live", "resuming", "live"],
      ["live", "resuming", "live"],
    ]);
  });

  it("bundles the requests for many subscriptions that ended together", async () => {
    server = await startFrameServer();
    const client = connect();
    const markets = Array.from({ length: 300 }, (_, index) => `m${index}`);
    const all = markets.map((marketId) => watch(client, "market:prices", { marketId }));
    const areLive = () => all.every(({ subscription }) => subscription.status === "live");
    await expect.poll(areLive).toBe(true);
    peer().send("error", { code: "unavailable", message: "x", channel: "market:prices", marketId: markets });
    await expect.poll(() => all.every(({ statuses }) => statuses.length === 3)).toBe(true);
    expect(areLive()).toBe(true);
    expect(server.requestsOf("subscribe").length).toBeLessThan(15);
  });

  it("has the status error after a lasting error, and reports it once", async () => {
    server = await startFrameServer();
    const client = connect();
    const seen = watch(client, "market:prices", { marketId: "a" });
    await untilLive(seen);
    peer().send("error", { code: "unauthorized", message: "no more", channel: "market:prices", marketId: "a" });
    await expect.poll(() => seen.statuses).toEqual(["live", "error"]);
    expect(seen.errors.map(({ code }) => code)).toEqual(["unauthorized"]);
  });

  it("handles an error as the answer while its request is pending, also for a list of markets", async () => {
    let refusals = 0;
    server = await startFrameServer((to, request) => {
      const { channel, marketId } = request.data;
      if (request.event !== "subscribe" || refusals > 0) return answerPlainly(to, request);
      refusals += 1;
      to.send("error", { code: "rate_limited", message: "slowly", channel, marketId });
      to.send("error", { code: "rate_limited", message: "slowly", channel, marketId }, request.id);
    });
    const client = connect();
    const both = ["a", "b"].map((marketId) => watch(client, "market:prices", { marketId }));
    await expect.poll(() => both.map((each) => each.statuses)).toEqual([["live"], ["live"]]);
    expect(server.requestsOf("subscribe").map(({ data }) => data.marketId)).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });

  it("merges a reply that comes in parts, and delivers the messages between them", async () => {
    const parts: { readonly to: Peer; readonly request: Request }[] = [];
    server = await startFrameServer((to, request) => {
      if (request.event === "subscribe") parts.push({ to, request });
      else answerPlainly(to, request);
    });
    const client = connect();
    const whole = watch(client, "market:trades", { lastId: { a: "5-0", b: "5-0", c: "5-0" } });
    await expect.poll(() => parts.length).toBe(1);
    const { to, request } = parts[0] as (typeof parts)[number];
    const channel = "market:trades";
    to.send("subscribed", { channel, ids: { a: "6-0" }, recovered: true, more: true }, request.id);
    to.send("data", entry(channel, 6, { marketId: "a", prev: "5-0" }));
    const lost = { recovered: false, unrecovered: ["b"], more: true };
    to.send("subscribed", { channel, ids: { b: "9-0" }, ...lost }, request.id);
    to.send("data", entry(channel, 8, { marketId: "b" }));
    to.send("data", entry(channel, 9, { marketId: "b" }));
    await expect.poll(whole.ids).toEqual(["6-0", "8-0", "9-0"]);
    expect([whole.subscription.status, whole.gaps]).toEqual([
      "subscribing",
      [{ channel, marketId: "b", after: "5-0" }],
    ]);
    to.send("subscribed", { channel, ids: { c: "5-0" }, recovered: true }, request.id);
    await expect.poll(() => whole.statuses).toEqual(["live"]);
    expect(server.requestsOf("subscribe").length).toBe(1);
  });
});

describe("a client that unsubscribes", () => {
  const create = setUpClients();

  it("retries refused requests in bundles, and leaves out what is subscribed to again meanwhile", async () => {
    let refusals = 3;
    const server = await startFrameServer((to, request) => {
      const { channel, marketId } = request.data;
      if (request.event !== "unsubscribe" || refusals === 0) return answerPlainly(to, request);
      refusals -= 1;
      to.send("error", { code: "rate_limited", message: "slowly", channel, marketId }, request.id);
    });
    const client = create({ url: server.url });
    const all = Array.from({ length: 40 }, (_, index) => watch(client, "market:prices", { marketId: `m${index}` }));
    await expect.poll(() => all.every(({ subscription }) => subscription.status === "live")).toBe(true);
    for (const { subscription } of all) subscription.close();
    await expect.poll(() => server.requestsOf("unsubscribe").length).toBe(2);
    const again = watch(client, "market:prices", { marketId: "m0" });
    await expect.poll(() => again.subscription.status).toBe("live");
    await expect.poll(() => refusals).toBe(0);
    await expect.poll(() => server.requestsOf("unsubscribe").length).toBe(4);
    const markets = server.requestsOf("unsubscribe").map(({ data }) => (data.marketId as string[]).length);
    expect(markets.slice(0, 2)).toEqual([40, 40]);
    expect(server.requestsOf("unsubscribe").at(-1)?.data.marketId).not.toContain("m0");
    await server.stop();
  });

  it("makes few requests while components mount and unmount", async () => {
    const server = await startFrameServer();
    const client = create({ url: server.url });
    const mount = () =>
      Array.from({ length: 20 }, (_, index) => watch(client, "market:prices", { marketId: `m${index}` }));
    for (let turn = 0; turn < 100; turn += 1) {
      const mounted = mount();
      await new Promise((resolve) => setTimeout(resolve, 15));
      for (const { subscription } of mounted) subscription.close();
    }
    const last = mount();
    await expect.poll(() => last.every(({ subscription }) => subscription.status === "live")).toBe(true);
    // Longer than a subscription outlives its last receiver.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(last.every(({ subscription }) => subscription.status === "live")).toBe(true);
    expect(server.peers.flatMap(({ requests }) => requests).length).toBeLessThan(10);
    await server.stop();
  });

  it("unsubscribes from a topic of a heartbeat that nobody subscribed to", async () => {
    const server = await startFrameServer();
    const client = create({ url: server.url });
    const seen = watch(client, "market:prices", { marketId: "a" });
    await untilLive(seen);
    server.peers[0]?.send("heartbeat", { channel: "market:prices", marketId: "ghost", id: "1-0" });
    await expect
      .poll(() => server.requestsOf("unsubscribe").map(({ data }) => data))
      .toEqual([{ channel: "market:prices", marketId: "ghost" }]);
    await server.stop();
  });
});
