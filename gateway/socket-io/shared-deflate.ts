import { constants, deflateRawSync } from "node:zlib";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { frameHead, type Outgoing } from "../fan-out/outgoing.ts";
import type { EngineConnection } from "./engine-connection.ts";

/**
 * How far back, as a power of two, a compressed message refers to the ones before it: 4 KiB, some 15 messages of a
 * market. A client keeps 32 KiB (RFC 7692), so it always has what is referred to. A small window is set up quickly.
 */
const WINDOW_BITS = 12;
const WINDOW_BYTES = 2 ** WINDOW_BITS;

/**
 * Each message has a compressor of its own, whose memory is taken and given back. It is kept small, 33 KiB: with 80 KiB
 * V8 collected garbage so often that a delivery cost a quarter more CPU (`npm run bench -- --shapes compression`).
 */
const COMPRESSOR = { windowBits: WINDOW_BITS, memLevel: 5, chunkSize: 1_024, level: 4 };

/** The end of each flushed block, which RFC 7692 (section 7.2.1) has removed from a message. */
const BLOCK_END_BYTES = 4;

/** Compresses nothing by itself: one context per connection is what makes compression dear (235 KiB, four times the CPU). */
class UncompressedWebSocket extends WebSocket {
  override send(data: Parameters<WebSocket["send"]>[0], ...rest: unknown[]): void {
    const callback = rest.at(-1);
    const options = typeof rest[0] === "object" ? rest[0] : {};
    super.send(data, { ...options, compress: false }, typeof callback === "function" ? (callback as never) : undefined);
  }
}

class UncompressedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, WebSocket: UncompressedWebSocket as never });
  }
}

/** Options of a Socket.IO server whose clients may negotiate compression, and which leaves compressing to bundles. */
export const sharedCompressionOptions = {
  wsEngine: UncompressedWebSocketServer,
  perMessageDeflate: { clientNoContextTakeover: true },
};

/**
 * Whether bundles compressed for all can go to a client. It must have negotiated compression, keep what it has got from
 * one message to the next, and keep enough of it; nearly every browser does.
 */
export function takesSharedCompression({ request }: EngineConnection): boolean {
  const offer = request.headers["sec-websocket-extensions"] ?? "";
  return offer.includes("permessage-deflate") && !/server_no_context_takeover|server_max_window_bits/.test(offer);
}

const payloadOf = ({ text }: Outgoing): Buffer => Buffer.from(`4${text}`);

/** What a client's decompressor has last, as far as it is referred to. */
export const tailOf = (parts: readonly Outgoing[]): Buffer =>
  Buffer.concat(parts.map(payloadOf)).subarray(-WINDOW_BYTES);

/**
 * Messages as compressed WebSocket frames. Each refers to the ones before it, and the first to `history`, so every
 * receiver must have got that with its last compressed message. No state is kept: the bytes are the same for all.
 */
export function deflateFrames(parts: readonly Outgoing[], history: Buffer = Buffer.alloc(0)): Buffer {
  const frames: Buffer[] = [];
  let dictionary = history;
  for (const part of parts) {
    const payload = payloadOf(part);
    const compressed = deflateRawSync(payload, {
      ...COMPRESSOR,
      finishFlush: constants.Z_SYNC_FLUSH,
      dictionary: dictionary.length > 0 ? dictionary : undefined,
    }).subarray(0, -BLOCK_END_BYTES);
    frames.push(frameHead(compressed.length, true), compressed);
    dictionary = Buffer.concat([dictionary, payload]).subarray(-WINDOW_BYTES);
  }
  return Buffer.concat(frames);
}
