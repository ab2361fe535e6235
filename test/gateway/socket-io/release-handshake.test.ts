import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReleaseHandshake } from "../../../gateway/socket-io/release-handshake.ts";
import { type FanOutHarness, startFanOut } from "../fan-out/harness.ts";

let harness: FanOutHarness;
let releaseHandshake: ReturnType<typeof createReleaseHandshake>;
let collectGarbage: () => void;
beforeAll(async () => {
  setFlagsFromString("--expose-gc");
  collectGarbage = runInNewContext("gc");
  harness = await startFanOut();
  releaseHandshake = createReleaseHandshake(harness.engine);
});
afterAll(() => harness.stop());

describe("a connected client", () => {
  it("keeps no handshake in memory, and works as before", async () => {
    const { client, socket } = await harness.connect();
    const request = new WeakRef(socket.request);
    socket.handshake.auth.token = "secret";
    releaseHandshake(socket);
    await expect
      .poll(() => {
        collectGarbage();
        return request.deref() === undefined;
      })
      .toBe(true);
    expect(JSON.stringify(socket.handshake)).not.toContain("secret");
    const other = client.socket.io.socket("/other");
    await new Promise<void>((resolve) => other.once("connect", () => resolve()));
    socket.emit("drain", { reconnectIn: 0 });
    await expect.poll(() => client.events.map(({ name }) => name)).toEqual(["drain"]);
  });
});
