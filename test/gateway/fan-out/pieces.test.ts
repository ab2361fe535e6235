import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutgoingOptions } from "../../../gateway/fan-out/outgoing.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

/** Length of a message of which four are more than one piece. */
const PADDING = 20_000;

let harness: FanOutHarness;
beforeAll(async () => {
  harness = await startFanOut();
});
afterAll(() => harness.stop());

/** Makes the transport busy until the next turn: the second packet waits for the first. */
function makeBusy({ socket }: Pair): void {
  for (const reconnectIn of [1, 2]) socket.emit("drain", { reconnectIn });
}

const data = (number: number, padding = 0): OutgoingOptions => ({
  event: "data",
  message: entry("one", number, padding),
});

const numbersOf = ({ client }: Pair): number[] => client.messages.map(({ id }) => Number.parseInt(id, 10));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe("messages for one client", () => {
  it("need no waiting where it takes them at once, or where there are none", async () => {
    const pair = await harness.connect();
    expect(harness.fanOut.sendTo(pair.member, [data(1)])).toBeUndefined();
    await expect.poll(() => numbersOf(pair)).toEqual([1]);
    makeBusy(pair);
    expect(harness.fanOut.sendTo(pair.member, [])).toBeUndefined();
    expect(harness.fanOut.waitingClients).toBe(0);
  });

  it("are waited for where it does not", async () => {
    const pair = await harness.connect();
    makeBusy(pair);
    const taken = harness.fanOut.sendTo(pair.member, [data(1)]);
    expect(taken).toBeInstanceOf(Promise);
    expect(harness.fanOut.waitingClients).toBe(1);
    await taken;
    expect(harness.fanOut.waitingClients).toBe(0);
    await expect.poll(() => numbersOf(pair)).toEqual([1]);
  });

  it("arrive in order if they are several pieces, and other clients are served in between", async () => {
    const [pair, other] = await Promise.all([harness.connect(), harness.connect()]);
    harness.fanOut.join(other.member, "two");
    let arrivedAtOther = false;
    const contents = upTo(20).map(
      (number): OutgoingOptions => ({
        ...data(number, PADDING),
        newest: () => {
          arrivedAtOther ||= numbersOf(other).length > 0;
          return undefined;
        },
      }),
    );
    const taken = harness.fanOut.sendTo(pair.member, contents);
    harness.fanOut.send({ room: "two" }, { event: "data", message: entry("two", 1) });
    await taken;
    await expect.poll(() => numbersOf(pair)).toEqual(upTo(20));
    expect(arrivedAtOther).toBe(true);
  });

  it("are the newest of their streams where they waited for an earlier piece", async () => {
    const pair = await harness.connect();
    const contents = upTo(8).map(
      (number): OutgoingOptions => ({ ...data(number, PADDING), newest: () => data(100 + number) }),
    );
    await harness.fanOut.sendTo(pair.member, contents);
    await expect.poll(() => numbersOf(pair)).toEqual([1, 2, 3, 4, 105, 106, 107, 108]);
  });

  it("are not waited for once it is gone", async () => {
    const pair = await harness.connect();
    makeBusy(pair);
    const taken = harness.fanOut.sendTo(
      pair.member,
      upTo(20).map((number) => data(number, PADDING)),
    );
    pair.socket.disconnect(true);
    await taken;
    expect(harness.fanOut.sendTo(pair.member, [data(21)])).toBeUndefined();
    expect(harness.fanOut.waitingClients).toBe(0);
  });
});
