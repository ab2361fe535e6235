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

const packetsOf = (...ids: string[]) =>
  ids.map((id) => ({ text: encodeEvent("heartbeat", { channel: "monitor:signals", id }) }));

const first = packetsOf("1-0", "2-0");
/** With compression it refers to the first bundle. */
const second = packetsOf("3-0");

/** Long enough for `ws` to compress it, if it were not kept from that: the second bundle would not fit then. */
const between = "between".repeat(1_000);

const expected = [
  encodePayload("before"),
  ...first.map(({ text }) => encodePayload(text)),
  encodePayload(between),
  ...second.map(({ text }) => encodePayload(text)),
  encodePayload("after"),
];

/** Sends packets by Socket.IO and bundles past it in turn. */
async function send(connection: EngineConnection, isCompressed: boolean): Promise<void> {
  const tcp = tcpSocketOf(connection);
  if (!tcp) throw new Error("the TCP connection is not found");
  if (isCompressed && !takesSharedCompression(connection)) throw new Error("compression is not negotiated");
  const encode = (packets: typeof first, history?: Buffer): Buffer =>
    isCompressed ? deflateFrames(packets, history) : Buffer.concat(packets.map(({ text }) => encodeFrame(text)));
  connection.write("before");
  if (hasWaitingPackets(connection)) throw new Error("a written packet seems to wait");
  tcp.write(encode(first));
  connection.write(between);
  // The transport is busy with the packet before it until the next turn.
  if (!hasWaitingPackets(connection)) throw new Error("a waiting packet is not seen");
  while (hasWaitingPackets(connection) && connection.readyState === "open") await delay(1);
  tcp.write(encode(second, tailOf(first)));
  connection.write("after");
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
