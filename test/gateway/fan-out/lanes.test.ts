import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataMessage, HeartbeatMessage } from "../../../contract/messages.ts";
import { roomName } from "../../../contract/stream.ts";
import { type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

const channel = "market:prices" as const;
const all = roomName({ channel });
const roomOf = (market: string): string => roomName({ channel, key: market });

let harness: FanOutHarness;
beforeAll(async () => {
  harness = await startFanOut();
});
afterAll(() => harness.stop());

function send(market: string, number: number): void {
  const data = { marketId: market, price: "0.5", time: 1 } as never;
  const message: DataMessage = { channel, marketId: market, data, id: `${number}-0`, prev: `${number - 1}-0` };
  harness.fanOut.send({ room: roomOf(market), channelRoom: all }, { event: "data", message, replaces: roomOf(market) });
}

function beat(ids: HeartbeatMessage["ids"]): void {
  harness.fanOut.send(
    { room: all },
    { event: "heartbeat", message: { channel, ids }, replaces: `heartbeat of ${all}` },
  );
}

const seenBy = ({ client }: Pair): string[] => client.messages.map(({ marketId, id }) => `${marketId} ${id}`);

describe("a client that joins a room", () => {
  it("gets first what its other rooms have for it", async () => {
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, roomOf("first"));
    send("first", 1);
    harness.fanOut.join(pair.member, roomOf("second"));
    send("second", 1);
    await expect.poll(() => seenBy(pair)).toEqual(["first 1-0", "second 1-0"]);
  });
});

describe("a client in a whole channel at a rate, and in one of its markets", () => {
  it("without a rate gets the market's values there, each once, and its ids in no heartbeat of the channel", async () => {
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, all, 20);
    harness.fanOut.join(pair.member, roomOf("a"));
    for (let number = 1; number <= 5; number += 1) {
      send("a", number);
      send("b", number);
      await expect.poll(() => seenBy(pair)).toContain(`a ${number}-0`);
    }
    beat({ a: "5-0", b: "5-0" });
    await expect.poll(() => pair.client.heartbeats.map(({ ids }) => ids)).toEqual([{ b: "5-0" }]);
    await expect.poll(() => seenBy(pair)).toContain("b 5-0");
    const ofA = seenBy(pair).filter((line) => line.startsWith("a"));
    expect(ofA).toEqual(["a 1-0", "a 2-0", "a 3-0", "a 4-0", "a 5-0"]);
    const names = pair.client.events.map(({ name, value }) => `${name} ${Object(value).marketId ?? ""}`);
    expect(names.indexOf("heartbeat ")).toBeGreaterThan(names.lastIndexOf("data b"));
  });

  it("at the same rate gets its values with those of the channel, each once", async () => {
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, all, 20);
    harness.fanOut.join(pair.member, roomOf("c"), 20);
    for (let number = 1; number <= 3; number += 1) {
      send("c", number);
      await expect.poll(() => seenBy(pair)).toContain(`c ${number}-0`);
    }
    send("d", 1);
    await expect.poll(() => seenBy(pair)).toContain("d 1-0");
    expect(seenBy(pair)).toEqual(["c 1-0", "c 2-0", "c 3-0", "d 1-0"]);
  });

  it("at a higher rate than the channel's gets them by the market's", async () => {
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, all, 0.001);
    harness.fanOut.join(pair.member, roomOf("e"), 50);
    for (let number = 1; number <= 3; number += 1) {
      send("e", number);
      send("f", number);
      await expect.poll(() => seenBy(pair)).toContain(`e ${number}-0`);
    }
    expect(seenBy(pair)).toEqual(["e 1-0", "e 2-0", "e 3-0"]);
    harness.fanOut.leave(pair.member, all);
    await expect.poll(() => seenBy(pair).at(-1)).toBe("f 3-0");
    expect(seenBy(pair)).toHaveLength(4);
  });
});
