import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatewayId } from "../../gateway/control/gateway-id.ts";
import { listGateways } from "../../kernel/control/announcements.ts";
import { CONTROL_STREAM } from "../../kernel/control/control-keys.ts";
import { publishControl } from "../../kernel/control/publish-control.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

const idOf = (number: number): string => {
  const pid = platform.gateways[number]?.process.pid;
  return createGatewayId(undefined).replace(/\d+$/, String(pid));
};

const counted = (type: string): Promise<number[]> =>
  Promise.all(
    platform.gateways.slice(0, 2).map((gateway) => gateway.metric("rt_control_messages_total", `type="${type}"`)),
  );

it("gateways announce themselves", async () => {
  await expect.poll(() => listGateways(platform.commands)).toHaveLength(2);
});

describe("a kick", () => {
  it("closes the connections of one user on every gateway, and their clients come back", async () => {
    const [alice, elsewhere, bob] = await Promise.all([
      platform.connect({ user: "alice" }),
      platform.connect({ user: "alice", gateway: 1 }),
      platform.connect({ user: "bob" }),
    ]);
    const reasons: string[] = [];
    for (const { socket } of [alice, elsewhere, bob]) socket.on("disconnect", (reason) => reasons.push(reason));

    await publishControl(platform.commands, { type: "kick", sub: "alice" });

    await expect.poll(() => reasons).toEqual(["transport close", "transport close"]);
    await expect.poll(() => alice.socket.connected && elsewhere.socket.connected).toBe(true);
    expect(bob.socket.connected).toBe(true);
  });

  it("closes one connection by its id", async () => {
    const [first, second] = await Promise.all([
      platform.connect({ user: "carol" }),
      platform.connect({ user: "carol" }),
    ]);
    const closed: string[] = [];
    first.socket.on("disconnect", () => closed.push("first"));
    second.socket.on("disconnect", () => closed.push("second"));

    await publishControl(platform.commands, { type: "kick", connection: String(first.socket.id) });

    await expect.poll(() => closed).toEqual(["first"]);
  });
});

describe("a message that a gateway does not act on", () => {
  it.each([
    ["unknown", JSON.stringify({ type: "revoke", sub: "alice" })],
    ["malformed", JSON.stringify({ type: "kick" })],
    ["malformed", JSON.stringify({ type: "kick", sub: "a", connection: "b" })],
    ["malformed", "not JSON"],
    ["malformed", JSON.stringify(["kick"])],
  ])("is counted as %s: %s", async (type, text) => {
    const before = await counted(type);

    await platform.commands.xadd(CONTROL_STREAM, "*", "m", text, "p", "0-0");

    await expect.poll(() => counted(type)).toEqual(before.map((count) => count + 1));
  });

  it("is refused before it is published where its form is wrong", async () => {
    await expect(publishControl(platform.commands, { type: "kick" })).rejects.toThrow(/one of the two/);
  });
});

describe("a drain", () => {
  it("ends the gateway that it names as SIGTERM does, and withdraws its announcement", async () => {
    const gateway = await platform.addGateway({ RT_DRAIN_SECONDS: "1" });
    const index = platform.gateways.indexOf(gateway);
    const client = await platform.connect({ gateway: index, reconnection: false });
    await expect.poll(async () => (await listGateways(platform.commands)).map(({ id }) => id)).toContain(idOf(index));

    await publishControl(platform.commands, { type: "drain", gateway: idOf(index) });

    await expect.poll(() => gateway.process.exitCode).toBe(0);
    expect(client.events.some(({ name }) => name === "drain")).toBe(true);
    expect((await listGateways(platform.commands)).map(({ id }) => id)).not.toContain(idOf(index));
    expect((await fetch(`${platform.gateways[0]?.url}/readyz`)).status).toBe(200);
  });
});

it("a gateway that was cut off from Redis acts on what was sent meanwhile", async () => {
  const hidden = "{control}:hidden";
  const client = await platform.connect({ user: "dave" });
  await publishControl(platform.commands, { type: "kick", sub: "nobody" });
  await expect.poll(async () => (await counted("kick"))[0]).toBeGreaterThan(0);
  // Its reads fail while the key is of another type, as they do without a connection.
  await platform.commands.rename(CONTROL_STREAM, hidden);
  await platform.commands.set(CONTROL_STREAM, "in the way");
  await expect.poll(() => platform.gateways[0]?.metric("rt_redis_errors_total", 'stage="control"')).toBeGreaterThan(0);
  const gone = new Promise((resolve) => client.socket.once("disconnect", resolve));

  await platform.commands.del(CONTROL_STREAM);
  await platform.commands.rename(hidden, CONTROL_STREAM);
  await publishControl(platform.commands, { type: "kick", sub: "dave" });

  expect(await gone).toBe("transport close");
});

it("a stream that a failover set back is read from the start, each message once", async () => {
  const before = await counted("kick");
  await publishControl(platform.commands, { type: "kick", sub: "nobody" });
  await expect.poll(() => counted("kick")).toEqual(before.map((count) => count + 1));
  const [newest] = await platform.commands.xrevrange(CONTROL_STREAM, "+", "-", "COUNT", 1);
  const [second] = (await platform.commands.xrevrange(CONTROL_STREAM, "+", "-", "COUNT", 2)).slice(-1);
  const [time, sequence] = String(second?.[0]).split("-");

  // The new primary never had the newest message, and gives the next one a lower id.
  const text = JSON.stringify({ type: "kick", sub: "nobody" });
  await platform.commands
    .multi()
    .xdel(CONTROL_STREAM, String(newest?.[0]))
    .call("XSETID", CONTROL_STREAM, String(second?.[0]))
    .xadd(CONTROL_STREAM, `${time}-${Number(sequence) + 1}`, "m", text, "p", String(second?.[0]))
    .exec();

  await expect.poll(() => counted("kick")).toEqual(before.map((count) => count + 2));
});

it("a gateway is named by its ECS task", () => {
  const task = "cd189a933e5849daa93386466019ab50";
  expect(createGatewayId(`http://169.254.170.2/v4/${task}-2495160603`)).toBe(task);
  expect(createGatewayId(undefined)).toMatch(/-\d+$/);
});

it("control messages of before its start are no business of a gateway", async () => {
  const gateway = await platform.addGateway();
  await expect.poll(async () => (await listGateways(platform.commands)).length).toBe(3);
  expect(await gateway.metric("rt_control_messages_total")).toBe(0);
});
