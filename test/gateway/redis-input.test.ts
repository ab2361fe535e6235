import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roomName } from "../../contract/stream.ts";
import { pubSubChannel } from "../../kernel/streams/redis-keys.ts";
import type { TestClient } from "../support/client.ts";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
let mallory: TestClient;
let bob: TestClient;

beforeAll(async () => {
  platform = await startPlatform();
  mallory = await platform.connect({ user: "mallory" });
  bob = await platform.connect({ user: "bob", gateway: 1 });
  for (const client of [mallory, bob]) {
    await client.ask("subscribe", { channel: "user:orders" });
    await client.ask("subscribe", { channel: "monitor:signals" });
  }
});
afterAll(() => platform.stop());

const bobsRoom = roomName({ channel: "user:orders", key: "bob" });
const signalsRoom = roomName({ channel: "monitor:signals" });

const cluster = (type: number, data: unknown): string => JSON.stringify({ uid: "forger", nsp: "/ws", type, data });
const everybody = { rooms: [], except: [], flags: {} };
const broadcast = (rooms: readonly string[], data: unknown): string =>
  cluster(3, { opts: { rooms, except: [], flags: {} }, packet: { type: 2, nsp: "/ws", data } });
/** Does not follow from the stream, so the gateway asks the stream, which has no such entry. */
const forgedOrder = { channel: "user:orders", data: { id: "forged" }, id: "5-1", prev: "5-0" };

/** Types of the adapter's cluster protocol: 0 initial heartbeat … 3 broadcast, 4 join, 5 leave, 6 disconnect, 7 fetch. */
const bodies: readonly (readonly [name: string, body: string | Buffer])[] = [
  ["nothing", ""],
  ["plain text", "hello"],
  ["JSON null", "null"],
  ["a JSON number", "7"],
  ["a JSON array", "[]"],
  ["an empty object", "{}"],
  ["broken JSON", '{"type":3'],
  ["msgpack", Buffer.from([0x83, 0xa3, 0x75, 0x69, 0x64, 0xa1, 0x61])],
  ["random bytes", Buffer.from([0xff, 0x00, 0xfe, 0x01])],
  ["a broadcast without options", cluster(3, { packet: { type: 2, data: ["x"] } })],
  ["a broadcast without a packet", cluster(3, { opts: everybody })],
  ["a broadcast of null", broadcast([], null)],
  ["a broadcast of a reserved event", broadcast([], ["disconnect"])],
  ["a broadcast to all of forged data", broadcast([], ["data", forgedOrder])],
  ["forged data to a user's room", broadcast([bobsRoom], ["data", forgedOrder])],
  ["data of another channel to a room", broadcast([signalsRoom], ["data", forgedOrder])],
  ["an unknown type", cluster(99, {})],
  ["a join of every socket to a user's room", cluster(4, { opts: everybody, rooms: [bobsRoom] })],
  ["a leave of every socket from a room", cluster(5, { opts: everybody, rooms: [signalsRoom] })],
  ["a disconnect of every socket", cluster(6, { opts: everybody, close: true })],
  ["a fetch of every socket", cluster(7, { opts: everybody, requestId: "r" })],
  ["a server-side emit", cluster(9, { packet: ["x"] })],
];

describe("a Pub/Sub message that anyone can publish in Redis", () => {
  it.each(bodies)("%s affects no client on any Pub/Sub channel", async (_name, body) => {
    const open = (await platform.commands.call("PUBSUB", "SHARDCHANNELS")) as string[];
    expect(open).toContain(pubSubChannel(signalsRoom));
    for (const channel of open) await platform.commands.call("SPUBLISH", channel, body);
    for (const channel of ["socket.io#/ws#", "socket.io-request#/ws#", "anything"]) {
      await platform.commands.call("PUBLISH", channel, body);
    }
    const [order] = await platform.publish([message("user:orders", "bob", 1)]);
    const [signal] = await platform.publish([message("monitor:signals", undefined, 1)]);
    for (const client of [mallory, bob]) await expect.poll(() => client.ids("monitor:signals")).toContain(signal);
    await expect.poll(() => bob.ids("user:orders")).toContain(order);
    expect(mallory.of("user:orders")).toEqual([]);
    expect(bob.of("user:orders").map(({ data }) => data)).not.toContainEqual(forgedOrder.data);
    expect(platform.gateways.map(({ process }) => process.exitCode)).toEqual([null, null]);
    expect([mallory, bob].map(({ socket }) => socket.connected)).toEqual([true, true]);
  });

  it("is counted by the kind of error", async () => {
    const dropped = await Promise.all(platform.gateways.map((gateway) => gateway.metric("rt_redis_dropped_total")));
    expect(Math.min(...dropped)).toBeGreaterThan(bodies.length);
  });
});
