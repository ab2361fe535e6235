import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { FanOutOptions } from "../../../gateway/fan-out/fan-out-options.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";
import { connectionOf } from "./stalled-client.ts";

/** Length of one message where a client is to fall behind: large ones fill the kernel's buffers in little time. */
const PADDING = 20_000;

const fail = (): never => {
  throw new Error("deliberate");
};

let harness: FanOutHarness;
let errors: unknown[];
afterEach(() => harness.stop());

async function start(options: Partial<FanOutOptions> = {}): Promise<void> {
  errors = [];
  harness = await startFanOut({ onError: (error) => errors.push(error), maximumWaitingBytes: 500_000, ...options });
}

const send = (number: number, padding = 0, replaces?: string): void =>
  harness.fanOut.send({ room: "one" }, { event: "data", message: entry("one", number, padding), replaces });

const numbersOf = ({ client }: Pair): number[] => client.messages.map(({ id }) => Number.parseInt(id, 10));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** Sends until the condition holds, a message a turn. Returns the number of messages. */
async function sendUntil(condition: () => boolean, padding: number): Promise<number> {
  let sent = 0;
  while (!condition()) {
    sent += 1;
    send(sent, padding);
    await nextTurn();
  }
  return sent;
}

describe("after an exception, the fan-out continues", () => {
  it("after a report of a flush that throws each time", async () => {
    await start({ onFlush: fail });
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, "one");
    for (const number of upTo(3)) {
      send(number);
      await expect.poll(() => numbersOf(pair)).toEqual(upTo(number));
    }
    expect(errors).toHaveLength(3);
  });

  it("with the other members of the room, where one member's overflow listener throws", async () => {
    await start();
    const stalled = await harness.connect(["websocket"], fail);
    const reading = await harness.connect();
    for (const { member } of [stalled, reading]) harness.fanOut.join(member, "one");
    connectionOf(stalled.client).pause();
    const sent = await sendUntil(() => stalled.hasOverflowed, PADDING);
    await expect.poll(() => numbersOf(reading)).toEqual(upTo(sent));
    connectionOf(stalled.client).resume();
    expect(errors).toEqual([new Error("deliberate")]);
  });

  it("with the other members of the lane, where one member's overflow listener throws", async () => {
    await start();
    const stalled = await harness.connect(["websocket"], fail);
    const reading = await harness.connect();
    for (const { member } of [stalled, reading]) harness.fanOut.join(member, "one", 200);
    connectionOf(stalled.client).pause();
    const sent = await sendUntil(() => stalled.hasOverflowed, PADDING);
    await expect.poll(() => numbersOf(reading)).toEqual(upTo(sent));
    connectionOf(stalled.client).resume();
    expect(errors).toEqual([new Error("deliberate")]);
  });

  it("with other clients, and with this one in order, where a listener of its connection throws once", async () => {
    await start({ isDirect: false });
    const [failing, other] = await Promise.all([harness.connect(), harness.connect()]);
    for (const { member } of [failing, other]) harness.fanOut.join(member, "one");
    failing.socket.conn.once("packetCreate", fail);
    send(1);
    await expect.poll(() => numbersOf(other)).toEqual([1]);
    expect(errors).toEqual([new Error("deliberate")]);
    // The second packet waits for the transport and the message behind it; what Socket.IO sends next must not overtake it.
    for (const reconnectIn of [1, 2]) failing.socket.emit("drain", { reconnectIn });
    void harness.fanOut.sendTo(failing.member, [{ event: "data", message: entry("one", 2) }]);
    failing.socket.emit("drain", { reconnectIn: 3 });
    const namesOf = ({ client }: Pair) => client.events.map(({ name }) => name);
    await expect.poll(() => namesOf(failing).slice(-4)).toEqual(["drain", "drain", "data", "drain"]);
  });

  it("with the queues of other slow clients, if the write to one throws", async () => {
    // The kernel may take megabytes more for one client than for the other, which waits for as much and may not overflow.
    await start({ isDirect: false, maximumWaitingBytes: 200_000_000 });
    const [failing, other] = await Promise.all([harness.connect(), harness.connect()]);
    for (const { member, client } of [failing, other]) {
      harness.fanOut.join(member, "one");
      connectionOf(client).pause();
    }
    const sent = await sendUntil(() => harness.fanOut.waitingClients === 2, PADDING);
    failing.socket.conn.on("packetCreate", fail);
    for (const { client } of [failing, other]) connectionOf(client).resume();
    await expect.poll(() => numbersOf(other)).toEqual(upTo(sent));
    await expect.poll(() => errors).toEqual([new Error("deliberate")]);
    await expect.poll(() => harness.fanOut.waitingClients).toBe(0);
  });
});
