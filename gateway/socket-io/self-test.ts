import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pTimeout from "p-timeout";
import { Server } from "socket.io";
import { WebSocket } from "ws";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { type EngineConnection, hasWaitingPackets, tcpSocketOf } from "./engine-connection.ts";
import { encodeEvent, encodeFrame, encodePayload } from "./frames.ts";
import { deflateFrames, sharedCompressionOptions, tailOf, takesSharedCompression } from "./shared-deflate.ts";

/** Longest that the test may take, in ms; it takes some 20. */
const TIMEOUT_MS = 2_000;

/** Direct writes of the test, each with its packets; with compression the second one refers to the first. */
const bundles = [["1-0", "2-0"], ["3-0"]].map((ids) =>
  ids.map((id) => ({ text: encodeEvent("heartbeat", { channel: "monitor:signals", id }) })),
);

const expected = [
  encodePayload("before"),
  ...bundles.flat().map(({ text }) => encodePayload(text)),
  encodePayload("after"),
];

function* encodeBundles(isCompressed: boolean): Generator<Buffer> {
  let history: Buffer | undefined;
  for (const packets of bundles) {
    yield isCompressed ? deflateFrames(packets, history) : Buffer.concat(packets.map(({ text }) => encodeFrame(text)));
    history = tailOf(packets);
  }
}

/** Sends something by Socket.IO, bundles past it, and something by Socket.IO again. */
function send(connection: EngineConnection, isCompressed: boolean): void {
  const tcp = tcpSocketOf(connection);
  if (!tcp) throw new Error("the TCP connection is not found");
  if (isCompressed && !takesSharedCompression(connection)) throw new Error("compression is not negotiated");
  connection.write("before");
  if (hasWaitingPackets(connection)) throw new Error("a written packet seems to wait");
  for (const bytes of encodeBundles(isCompressed)) tcp.write(bytes);
  connection.write("after");
  // The transport is busy with the first packet until the next turn.
  if (!hasWaitingPackets(connection)) throw new Error("a waiting packet is not seen");
}

/** Resolves with what a client gets after the handshake, up to the last thing sent. */
async function receive(port: number, failed: Promise<never>): Promise<string[]> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const received: string[] = [];
  const isComplete = new Promise<void>((resolve, reject) => {
    client.on("error", reject);
    client.on("message", (data) => {
      received.push(String(data));
      if (received.at(-1) === expected.at(-1)) resolve();
    });
  });
  try {
    await pTimeout(Promise.race([isComplete, failed]), { milliseconds: TIMEOUT_MS });
    return received.slice(1);
  } finally {
    client.terminate();
  }
}

interface SelfTestOptions {
  /** Tries compressed bundles in place of plain ones. */
  readonly isCompressed: boolean;
}

/**
 * Tries on a server of its own, over loopback, that bundles can be written past Socket.IO: that the connection under it
 * is found, that waiting packets are seen, and that a client gets a bundle's messages whole and in order with
 * Socket.IO's own. Resolves with false where not, as after an upgrade that renamed a member; the fan-out then uses
 * Socket.IO's writes, which cost more CPU.
 */
export async function tryDirectWrites({ isCompressed }: SelfTestOptions): Promise<boolean> {
  const http = createServer();
  const compression = isCompressed ? sharedCompressionOptions : {};
  const io = new Server(http, { transports: ["websocket"], serveClient: false, ...compression });
  io.of(NAMESPACE);
  try {
    await once(http.listen(0, "127.0.0.1"), "listening");
    const failed = new Promise<never>((_, reject) => {
      io.engine.on("connection", (connection: EngineConnection) => {
        // The handshake's own packet leaves first.
        delay(1)
          .then(() => send(connection, isCompressed))
          .catch(reject);
      });
    });
    const received = await receive((http.address() as AddressInfo).port, failed);
    return received.join("\n") === expected.join("\n");
  } catch {
    return false;
  } finally {
    await io.close();
  }
}
