import { afterAll, beforeAll, expect, it } from "vitest";
import type { EngineConnection } from "../../../gateway/socket-io/engine-connection.ts";
import { entry, type FanOutHarness, startFanOut } from "../fan-out/harness.ts";

let harness: FanOutHarness;
beforeAll(async () => {
  harness = await startFanOut({ isDirect: false });
});
afterAll(() => harness.stop());

/** Hides the undocumented members of a connection, as an upgrade that renames them would. */
const hideMembers = (connection: EngineConnection): EngineConnection =>
  new Proxy(connection, {
    get(target, name) {
      if (name === "writeBuffer") return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

it("Socket.IO's own writes need no undocumented member", async () => {
  const { client, socket } = await harness.connect();
  const member = harness.fanOut.connect(hideMembers(socket.conn), () => undefined);
  harness.fanOut.join(member, "one");
  await harness.fanOut.sendTo(member, [{ event: "data", message: entry("one", 1) }]);
  harness.fanOut.send({ room: "one" }, { event: "data", message: entry("one", 2) });
  await expect.poll(() => client.messages.map(({ id }) => id)).toEqual(["1-0", "2-0"]);
  expect(harness.fanOut.waitingClients).toBe(0);
});
