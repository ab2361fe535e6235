import { afterAll, beforeAll, expect, it } from "vitest";
import { Outgoing, type OutgoingOptions } from "../../../gateway/fan-out/outgoing.ts";
import { type FanOutHarness, startFanOut } from "../fan-out/harness.ts";

let harness: FanOutHarness;
beforeAll(async () => {
  harness = await startFanOut();
});
afterAll(() => harness.stop());

const heartbeat = (id: string): OutgoingOptions => ({
  event: "heartbeat",
  message: { channel: "monitor:signals", id },
});

/** Length of a heartbeat's WebSocket message whose id is empty. */
const emptyLength = `4${new Outgoing(heartbeat(""), 0).text}`.length;

// On both sides of where the head of a frame changes its form.
it.each([125, 126, 65_535, 65_536])("a frame of %i bytes reaches a stock client", async (length) => {
  const pair = await harness.connect();
  const id = "1".repeat(length - emptyLength);
  await harness.fanOut.sendTo(pair.member, [heartbeat(id), heartbeat("last")]);
  await expect.poll(() => pair.client.heartbeats.length).toBe(2);
  expect(pair.client.heartbeats.map((message) => message.id)).toEqual([id, "last"]);
});
