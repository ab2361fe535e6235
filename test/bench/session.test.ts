import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { startApplication } from "../../bench/fan-out/application.ts";
import { createMix } from "../../bench/fan-out/mix.ts";
import { treeOf } from "../../bench/fan-out/process-usage.ts";
import { createServers, type ServerName } from "../../bench/fan-out/servers/servers.ts";
import { Session } from "../../bench/fan-out/session.ts";
import type { Traffic, Trial } from "../../bench/fan-out/shapes.ts";
import type { Topology } from "../../bench/fan-out/topologies.ts";
import { membersByRoom, own, shared } from "../../bench/fan-out/topologies.ts";
import { runTrial } from "../../bench/fan-out/trials.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";

const servers = createServers();

let issuer: Issuer;
beforeAll(async () => {
  issuer = await createIssuer();
});

const sessions: Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
});

async function open(server: ServerName, topology: Topology): Promise<Session> {
  const session = await Session.open({ contender: servers[server], topology, issuer }, () => undefined);
  sessions.push(session);
  return session;
}

const positive = expect.toSatisfy((value: unknown) => typeof value === "number" && value > 0);
const traffic: Traffic = { kind: "open", perEvent: 10, eventsPerSecond: 20, seconds: 0.5 };

describe("topologies", () => {
  it("give every client as many rooms and every room as many clients", () => {
    const topology = shared(1_000, 50, 5);

    expect(new Set(topology.roomsOf(7)).size).toBe(5);
    expect(new Set(membersByRoom(topology).values())).toEqual(new Set([100]));
  });
});

// The servers that need packages of their own are left to `npm run bench`.
describe.each(["gateway", "two-processes", "stock", "sharded", "ws"] as const)("%s", (server) => {
  it.each([
    ["one room", shared(16, 1), 16],
    ["2 of 4 rooms", shared(16, 4, 2), 8],
    ["private rooms", own(16), 1],
  ])("delivers every message once to every client of its room: %s", async (_, topology, receivers) => {
    const session = await open(server, topology);
    await session.connect(topology.clients);

    const { expected, deliveries, values } = await session.measure(traffic);

    // Ten events of ten messages.
    expect([expected, deliveries]).toEqual([100 * receivers, 100 * receivers]);
    const each = (100 * receivers) / topology.clients;
    expect(await session.client.report()).toMatchObject({ fewest: Math.floor(each), most: Math.ceil(each) });
    expect(values).toMatchObject({ cpuMicrosPerDelivery: positive, p50Ms: positive, rssBytes: positive });
  });
});

describe.each(["gateway", "whole", "stock"] as const)("%s", (server) => {
  it.each([
    ["books", { ...shared(16, 4, 2), carries: ["trade", "book-100"] }, "book-100"],
    ["portfolios", own(8, ["portfolio"]), "portfolio"],
  ] as const)("brings %s to every client, all of them or the newest ones", async (_, topology, carries) => {
    const session = await open(server, topology);
    await session.connect(topology.clients);

    const { expected, deliveries, values } = await session.measure({ ...traffic, kind: "open", carries });

    expect(deliveries).toBe(expected);
    expect((await session.client.report()).fewest).toBeGreaterThan(0);
    const { bytesPerDelivery = 0, bytesPerMessage = 0, redisBytes = 0 } = values;
    const isWhole = server !== "gateway";
    expect(bytesPerDelivery > 2_000).toBe(isWhole);
    // The other servers get whole values through Redis.
    expect(redisBytes > 2_000).toBe(server === "stock");
    // Older values are left out, never sent twice.
    expect(bytesPerMessage).toBeLessThanOrEqual(bytesPerDelivery);
  });
});

describe.each(["gateway", "whole", "compressed", "stock", "ws"] as const)("%s", (server) => {
  it("brings mixed traffic to the clients of an application", async () => {
    const topology = createMix({ markets: 6, dashboards: 4, pages: 4, users: 4 });
    const session = await open(server, topology);
    await session.prepare();

    const { expected, deliveries, values } = await session.measure({ kind: "mixed", seconds: 1 });

    expect(deliveries).toBe(expected);
    expect((await session.client.report()).fewest).toBeGreaterThan(0);
    expect(values).toMatchObject({ bytesPerMessage: positive, redisCpuMicros: positive, redisBytes: positive });
    expect(values.applicationCpuMicros).toEqual(positive);
  });
});

describe.each(["c-each", "c-bundled"] as const)("%s", (server) => {
  it("delivers every message once to every client", async () => {
    const session = await open(server, shared(16, 1));
    await session.connect(16);

    expect(await session.measure(traffic)).toMatchObject({ expected: 1_600, deliveries: 1_600 });
  });
});

describe("a session", () => {
  it("keeps the configured number of events in flight for the configured time", async () => {
    const session = await open("stock", shared(8, 1));
    await session.connect(8);

    const { expected, deliveries } = await session.measure({
      kind: "closed",
      perEvent: 5,
      outstanding: 2,
      seconds: 0.3,
    });

    expect(deliveries).toBe(expected);
    expect(deliveries).toBeGreaterThan(2 * 5 * 8);
  });

  it.each<[Trial, object]>([
    [
      { kind: "connect", warmUp: 4, clients: 12, window: 3 },
      { cpuMicrosPerHandshake: positive, handshakesPerSecond: positive, p50Ms: positive },
    ],
    [
      { kind: "idle", first: 4, all: 16 },
      { bytesPerConnection: expect.any(Number), rssBytes: positive },
    ],
  ])("measures %j", async (trial, values) => {
    const session = await open("stock", shared(16, 1));

    expect((await runTrial(session, trial)).values).toMatchObject(values);
  });

  it("expects no deliveries to clients that do not read", async () => {
    const session = await open("gateway", shared(16, 1));
    await session.connect(16);

    const { expected, deliveries, rssSeries = [] } = await runTrial(session, { kind: "stalled", clients: 4, traffic });

    expect([expected, deliveries]).toEqual([1_200, 1_200]);
    expect(rssSeries[0]).toBeGreaterThan(0);
  });

  it("counts the CPU and memory of all processes of a server", async () => {
    const session = await open("two-processes", shared(1, 1));

    expect(treeOf(session.pids.server)).toHaveLength(3);
    expect(treeOf(process.pid)).toEqual(expect.arrayContaining(treeOf(session.pids.server)));
  });

  it("refuses mixed traffic where the topology has no events", async () => {
    const session = await open("ws", shared(1, 1));

    await expect(session.measure({ kind: "mixed", seconds: 1 })).rejects.toThrow("no mixed traffic");
  });

  it("fails with the words of the application's client where that does not get what it asks for", async () => {
    const refused = startApplication("websocket", 1, ["> m00"]);

    await expect(refused).rejects.toThrow(/did not get what it asked for:.*ECONNREFUSED/s);
  });

  it("fails with the server's log where it does not start", async () => {
    const contender = {
      ...servers.ws,
      launch: () => ({ command: "sh", values: ["-c", "echo no way"], environment: {} }),
    };

    await expect(Session.open({ contender, topology: shared(1, 1), issuer }, () => undefined)).rejects.toThrow(
      "no way",
    );
  });
});
