import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Membership } from "../../../gateway/fan-out/membership.ts";
import type { OutgoingOptions } from "../../../gateway/fan-out/outgoing.ts";
import { entry, type FanOutHarness, startFanOut } from "./harness.ts";

let harness: FanOutHarness;
beforeEach(async () => {
  harness = await startFanOut({ heartbeatDeferMs: 600_000 });
});
afterEach(() => harness.stop());

/** Counts the timers of this process that keep it alive. Compare two counts of one turn: Socket.IO has timers too. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

const data = (room: string): OutgoingOptions => ({ event: "data", message: entry(room, 1) });

const heartbeat = (marketId: string): OutgoingOptions => ({
  event: "heartbeat",
  message: { channel: "market:trades", marketId, id: "1-0" },
});

describe("membership", () => {
  it("keeps a room while it has members at any rate, and reports when it closes", async () => {
    const closed: string[] = [];
    const membership = new Membership({ onClosed: ({ name }) => closed.push(name) });
    const lane = { maximumRate: 1, sequence: 0, flushLane: () => undefined };
    const [{ member: first }, { member: second }] = await Promise.all([harness.connect(), harness.connect()]);
    membership.add(first, "one");
    membership.add(second, "one", lane);
    membership.add(second, "two", lane);
    membership.add(second, "three");
    expect(membership.remove(first, "one")).toBeUndefined();
    expect([first, second].map((member) => membership.find("one")?.has(member))).toEqual([false, true]);
    expect([membership.remove(first, "nowhere"), closed]).toEqual([undefined, []]);
    membership.removeAll(second);
    expect(closed.toSorted()).toEqual(["one", "three", "two"]);
    expect(["one", "two", "three"].map((name) => membership.find(name))).toEqual([undefined, undefined, undefined]);
    for (const { rooms, lanes } of [first, second]) expect([rooms.size, lanes.size]).toEqual([0, 0]);
  });
});

describe("the fan-out keeps no timer", () => {
  it("of a rate lane that the last member has left or disconnected from", async () => {
    const [first, second] = await Promise.all([harness.connect(), harness.connect()]);
    const before = timers();
    for (const { member } of [first, second]) harness.fanOut.join(member, "one", 1);
    expect(timers()).toBe(before + 1);
    harness.fanOut.join(second.member, "one", 2);
    expect(timers()).toBe(before + 2);
    expect(harness.fanOut.leave(first.member, "one")).toBe(1);
    expect(timers()).toBe(before + 1);
    harness.fanOut.disconnect(second.member);
    expect(timers()).toBe(before);
    harness.fanOut.join(second.member, "one", 2);
    expect(timers()).toBe(before);
  });

  it("of a deferred heartbeat in an empty room", async () => {
    const { member } = await harness.connect();
    const before = timers();
    for (const room of ["one", "two"]) {
      harness.fanOut.join(member, room);
      harness.fanOut.send({ room }, heartbeat(room));
    }
    expect(timers()).toBe(before + 1);
    harness.fanOut.leave(member, "one");
    expect(timers()).toBe(before + 1);
    harness.fanOut.disconnect(member);
    expect(timers()).toBe(before);
  });

  it("of a client whose buffer has drained, or that is gone", async () => {
    const pair = await harness.connect();
    const makeWait = (): void => {
      for (const reconnectIn of [1, 2]) pair.socket.emit("drain", { reconnectIn });
      void harness.fanOut.sendTo(pair.member, [data("one")]);
    };
    const before = timers();
    makeWait();
    expect([harness.fanOut.waitingClients, timers()]).toEqual([1, before + 1]);
    await expect.poll(() => pair.client.messages.length).toBe(1);
    await expect.poll(() => harness.fanOut.waitingClients).toBe(0);
    makeWait();
    pair.socket.disconnect(true);
    await expect.poll(() => harness.fanOut.waitingClients).toBe(0);
    // Comes after the retry that is due before it, which ends the timer.
    await delay(50);
    const left = timers();
    harness.fanOut.close();
    expect(timers()).toBe(left);
  });

  it("however often a client has taken what waited for it", async () => {
    const pair = await harness.connect();
    const before = timers();
    for (let number = 1; number <= 20; number += 1) {
      for (const reconnectIn of [1, 2]) pair.socket.emit("drain", { reconnectIn });
      await harness.fanOut.sendTo(pair.member, [data("one")]);
      // The retry that ends the timer.
      await delay(10);
    }
    // Socket.IO has a few timers of its own.
    expect(timers()).toBeLessThan(before + 10);
  });

  it("once it is closed", async () => {
    const pair = await harness.connect();
    const before = timers();
    harness.fanOut.join(pair.member, "one", 1);
    harness.fanOut.join(pair.member, "two");
    for (const reconnectIn of [1, 2]) pair.socket.emit("drain", { reconnectIn });
    void harness.fanOut.sendTo(pair.member, [data("one")]);
    harness.fanOut.send({ room: "two" }, heartbeat("two"));
    expect(timers()).toBe(before + 3);
    harness.fanOut.close();
    expect(timers()).toBe(before);
  });
});
