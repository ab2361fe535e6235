import { constants, deflateRawSync } from "node:zlib";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import type { EngineConnection } from "./engine-connection.ts";
import { encodeFrameHead, encodePayload } from "./frames.ts";

/**
 * Compression window, as a power of two: a compressed message refers that far back to the ones before it. 4 KiB, some
 * 15 messages of a market. A client keeps 32 KiB (RFC 7692), so it always has what is referred to. A small window is
 * set up quickly.
 */
const WINDOW_BITS = 12;
const WINDOW_BYTES = 2 ** WINDOW_BITS;

/**
 * Settings of a message's compressor, whose memory is allocated and freed for each. It is kept small, 33 KiB: with 80 KiB
 * V8 collected garbage so often that a delivery cost a quarter more CPU (`npm run bench -- --shapes compression`).
 */
const COMPRESSOR = { windowBits: WINDOW_BITS, memLevel: 5, chunkSize: 1_024, level: 4 };

/** Length of the end of each flushed block, which RFC 7692 (section 7.2.1) removes from a message. */
const BLOCK_END_BYTES = 4;

/** A Socket.IO packet that is to be compressed. */
interface Packet {
  readonly text: string;
}

/** Sends everything uncompressed: it is the context per connection that makes compression costly (235 KiB, four times the CPU). */
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
 * Returns true where a client can get bundles that are compressed once for all. It must have negotiated compression, keep
 * one message's context for the next, and keep enough of it; nearly every browser does.
 */
export function takesSharedCompression({ request }: EngineConnection): boolean {
  const offer = request.headers["sec-websocket-extensions"] ?? "";
  return offer.includes("permessage-deflate") && !/server_no_context_takeover|server_max_window_bits/.test(offer);
}

const payloadOf = ({ text }: Packet): Buffer => Buffer.from(encodePayload(text));

/** Returns the end of what a client's decompressor holds after these packets, as far as the next ones refer to it. */
export const tailOf = (packets: readonly Packet[]): Buffer =>
  Buffer.concat(packets.map(payloadOf)).subarray(-WINDOW_BYTES);

/**
 * Encodes packets as compressed WebSocket frames. Each refers to the ones before it, and the first to `history`, so every
 * receiver must have got that with its last compressed message. No state is kept: the bytes are the same for all.
 */
export function deflateFrames(packets: readonly Packet[], history: Buffer = Buffer.alloc(0)): Buffer {
  const frames: Buffer[] = [];
  let dictionary = history;
  for (const packet of packets) {
    const payload = payloadOf(packet);
    const compressed = deflateRawSync(payload, {
      ...COMPRESSOR,
      finishFlush: constants.Z_SYNC_FLUSH,
      dictionary: dictionary.length > 0 ? dictionary : undefined,
    }).subarray(0, -BLOCK_END_BYTES);
    frames.push(encodeFrameHead(compressed.length, true), compressed);
    dictionary = Buffer.concat([dictionary, payload]).subarray(-WINDOW_BYTES);
  }
  return Buffer.concat(frames);
}
