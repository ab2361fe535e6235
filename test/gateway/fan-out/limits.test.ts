import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Outgoing, type OutgoingOptions } from "../../../gateway/fan-out/outgoing.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

/** Messages of the same length, as many as the limit allows and one more. */
const allowed = 3;
const contents = Array.from(
  { length: allowed + 1 },
  (_, index): OutgoingOptions => ({ event: "data", message: entry("one", 1_001 + index) }),
);
const lengths = contents.map((content) => new Outgoing(content, 0).frame.length);
const maximumWaitingBytes = lengths.slice(0, allowed).reduce((sum, length) => sum + length, 0);

let harness: FanOutHarness;
beforeAll(async () => {
  harness = await startFanOut({ maximumWaitingBytes });
});
afterAll(() => harness.stop());

/** Makes the transport busy until the next turn: the second packet waits for the first. */
function makeBusy({ socket }: Pair): void {
  for (const reconnectIn of [1, 2]) socket.emit("drain", { reconnectIn });
}

const idsOf = ({ client }: Pair): string[] => client.messages.map(({ id }) => id);

describe("the send buffer limit of a client", () => {
  it("allows exactly that many bytes", async () => {
    let overflows = 0;
    const pair = await harness.connect(["websocket"], () => (overflows += 1));
    makeBusy(pair);
    void harness.fanOut.sendTo(pair.member, contents.slice(0, allowed));
    expect(harness.fanOut.waitingClients).toBe(1);
    await expect.poll(() => idsOf(pair)).toEqual(["1001-0", "1002-0", "1003-0"]);
    expect(overflows).toBe(0);
  });

  it("is reported once when one more message exceeds it: the buffer is dropped, and nothing more is sent", async () => {
    let overflows = 0;
    const pair = await harness.connect(["websocket"], () => {
      overflows += 1;
      // As a gateway does, which sends an error then: nothing of what waited goes with it.
      pair.socket.emit("drain", { reconnectIn: 3 });
    });
    harness.fanOut.join(pair.member, "one");
    makeBusy(pair);
    void harness.fanOut.sendTo(pair.member, contents);
    expect(overflows).toBe(1);
    await harness.fanOut.sendTo(pair.member, contents.slice(0, 1));
    harness.fanOut.send({ room: "one" }, { event: "data", message: entry("one", 1_005) });
    await expect.poll(() => harness.fanOut.waitingClients).toBe(0);
    pair.socket.emit("drain", { reconnectIn: 4 });
    await expect.poll(() => pair.client.events.length).toBe(4);
    expect([idsOf(pair), overflows]).toEqual([[], 1]);
  });
});
