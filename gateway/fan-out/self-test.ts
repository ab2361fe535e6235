import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pTimeout from "p-timeout";
import { Server } from "socket.io";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { type EngineConnection, tcpSocketOf } from "../socket-io/engine-connection.ts";
import { Bundle } from "./bundle.ts";
import { Outbox } from "./outbox.ts";
import { Outgoing } from "./outgoing.ts";

/** Longest that the test may take, in ms; it takes some 20. */
const TIMEOUT_MS = 2_000;

const unexpected = (): never => {
  throw new Error("nothing waits in the self-test");
};

const parts = ["1-0", "2-0"].map(
  (id, index) => new Outgoing({ event: "heartbeat", message: { channel: "monitor:signals", id } }, index),
);

/** Sends something by Socket.IO, a bundle past it, and something by Socket.IO again. */
function send(connection: EngineConnection): void {
  const outbox = new Outbox({
    connection,
    isCompressed: false,
    onOverflow: unexpected,
    host: {
      isDirect: true,
      maximumBytes: 1_000,
      onWaiting: unexpected,
      onReplaced: unexpected,
      onWrite: () => undefined,
    },
  });
  connection.write("before");
  outbox.send([new Bundle(parts)]);
  connection.write("after");
}

/** What the client gets after the handshake, up to the last thing sent. */
async function receive(port: number): Promise<string[]> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const received: string[] = [];
  const isComplete = new Promise<void>((resolve, reject) => {
    client.addEventListener("error", () => reject(new Error("the self-test's client cannot connect")));
    client.addEventListener("message", ({ data }) => {
      received.push(String(data));
      if (data === "4after") resolve();
    });
  });
  try {
    await pTimeout(isComplete, { milliseconds: TIMEOUT_MS });
    return received.slice(1);
  } finally {
    client.close();
  }
}

/**
 * Tries on a server of its own, over loopback, whether bundles can be written past Socket.IO: that the connection
 * under it is found, and that a client gets a bundle's messages whole and in order with Socket.IO's own. False where
 * not, as after an upgrade that moved something; the fan-out then takes Socket.IO's way, which costs more.
 */
export async function tryDirectWrites(): Promise<boolean> {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  io.of(NAMESPACE);
  try {
    await once(http.listen(0, "127.0.0.1"), "listening");
    let isFound = false;
    io.engine.on("connection", (connection: EngineConnection) => {
      isFound = tcpSocketOf(connection) !== undefined;
      // The handshake's own packet is on its way first.
      delay(1).then(() => send(connection), unexpected);
    });
    const received = await receive((http.address() as AddressInfo).port);
    const expected = ["4before", ...parts.map(({ text }) => `4${text}`), "4after"];
    return isFound && received.join("\n") === expected.join("\n");
  } catch {
    return false;
  } finally {
    await io.close();
  }
}
