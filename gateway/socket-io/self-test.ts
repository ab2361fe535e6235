import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pTimeout from "p-timeout";
import { Server } from "socket.io";
import { WebSocket } from "ws";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { sharedCompressionOptions } from "./compression-server.ts";
import { type EngineConnection, hasWaitingPackets, tcpSocketOf } from "./engine-connection.ts";
import { encodeEvent, encodeFrame, encodePayload } from "./frames.ts";
import { deflateFrames, sharedWindowBits } from "./shared-deflate.ts";

/** Longest that the test may take, in ms; it takes some 20. */
const TIMEOUT_MS = 2_000;

const packetOf = (id: string): string => encodeEvent("heartbeat", { channel: "monitor:signals", id });

/** Text that hardly repeats, so that what follows it can refer only to what came before. */
const varied = createHash("shake256", { outputLength: 10_000 }).update("window").digest("hex");

const first = [packetOf("1-0"), packetOf(varied)];
/** With compression it refers to the first bundle, nearly a whole window back. */
const second = [packetOf(varied)];

const payloadOf = (packet: string): Buffer => Buffer.from(encodePayload(packet));

/** Long enough for `ws` to compress it, if it were not kept from that: the second bundle would not fit then. */
const between = "between".repeat(1_000);

const expected = [
  encodePayload("before"),
  ...first.map(encodePayload),
  encodePayload(between),
  ...second.map(encodePayload),
  encodePayload("after"),
];

/** Sends packets by Socket.IO and bundles past it in turn. */
async function send(connection: EngineConnection, isCompressed: boolean): Promise<void> {
  const tcp = tcpSocketOf(connection);
  if (!tcp) throw new Error("the TCP connection is not found");
  const windowBits = sharedWindowBits(connection);
  if (isCompressed && windowBits === 0) throw new Error("compression is not negotiated");
  const encode = (packets: readonly string[], history?: Buffer): Buffer =>
    isCompressed
      ? deflateFrames(packets.map(payloadOf), { history, windowBits })
      : Buffer.concat(packets.map(encodeFrame));
  connection.write("before");
  if (hasWaitingPackets(connection)) throw new Error("a written packet seems to wait");
  tcp.write(encode(first));
  connection.write(between);
  // The transport is busy with the packet before it until the next turn.
  if (!hasWaitingPackets(connection)) throw new Error("a waiting packet is not seen");
  while (hasWaitingPackets(connection) && connection.readyState === "open") await delay(1);
  tcp.write(encode(second, Buffer.concat(first.map(payloadOf))));
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

/** The ways of writing that the self-test has found to work. */
export interface WriteModes {
  /** Bundles are written past Socket.IO. */
  readonly hasDirectWrites: boolean;
  /** Bundles are compressed once for all. */
  readonly hasCompression: boolean;
}

/** Tries what the configuration asks for. Where compressed bundles fail, plain ones may still work. */
export async function tryWriteModes(wanted: WriteModes): Promise<WriteModes> {
  if (!wanted.hasDirectWrites) return { hasDirectWrites: false, hasCompression: false };
  const hasCompression = wanted.hasCompression && (await tryDirectWrites({ isCompressed: true }));
  const hasDirectWrites = hasCompression || (await tryDirectWrites({ isCompressed: false }));
  return { hasDirectWrites, hasCompression };
}
