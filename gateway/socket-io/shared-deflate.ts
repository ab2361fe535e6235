import { constants, deflateRawSync } from "node:zlib";
import type { EngineConnection } from "./engine-connection.ts";
import { encodeFrameHead } from "./frames.ts";

/** The largest compression window, as a power of two (RFC 7692, section 7.1.2): 32 KiB, what clients keep by default. */
const MAXIMUM_WINDOW_BITS = 15;
export const MAXIMUM_WINDOW_BYTES = 2 ** MAXIMUM_WINDOW_BITS;

/** Payloads from this size on may refer to the whole window: a book's last version lies as far back as the book is long. */
export const LARGE_BYTES = 2_048;

/** How far back small payloads refer, beyond the first of a bundle: some 15 messages of a market. */
const SMALL_WINDOW_BYTES = 4_096;

/** The smallest window that a compressor is set up with; a smaller one is hardly faster. */
const MINIMUM_WINDOW_BITS = 12;

/** The smallest window that zlib's raw format has; RFC 7692 lets clients ask for 8. */
const ZLIB_WINDOW_BITS = 9;

/**
 * Settings of a payload's compressor, whose memory is allocated and freed for each. It is kept small, since V8 collects
 * garbage when much is allocated. Level 2 takes 32 µs for a book of 14 KB, level 4 takes 55 µs for the same bytes.
 */
const COMPRESSOR = { memLevel: 5, chunkSize: 1_024, level: 2, finishFlush: constants.Z_SYNC_FLUSH };

/** Length of the end of each flushed block, which RFC 7692 (section 7.2.1) removes from a message. */
const BLOCK_END_BYTES = 4;

/**
 * Returns the window, in bits, up to which a client takes messages that are compressed once for all; 0 where it takes none.
 * It must have negotiated compression and keep one message's context for the next. The server accepts a client's first
 * offer as it is. A client that came by polling has no offer in its request.
 */
export function sharedWindowBits({ request }: EngineConnection): number {
  const offers = (request.headers["sec-websocket-extensions"] ?? "").split(",").map((offer) => offer.trim());
  const accepted = offers.find((offer) => /^permessage-deflate\s*(;|$)/.test(offer));
  if (accepted === undefined || accepted.includes("server_no_context_takeover")) return 0;
  const limit = /server_max_window_bits\s*=\s*"?(\d+)/.exec(accepted)?.[1];
  const windowBits = limit === undefined ? MAXIMUM_WINDOW_BITS : Number(limit);
  return windowBits < ZLIB_WINDOW_BITS ? 0 : windowBits;
}

/** Returns the smallest window, in bits, in which the end of so many bytes can refer to their beginning. */
function windowBitsFor(bytes: number, maximum: number): number {
  const wanted = Math.ceil(Math.log2(bytes));
  return Math.min(maximum, MAXIMUM_WINDOW_BITS, Math.max(MINIMUM_WINDOW_BITS, wanted));
}

/** The end of what a client's decompressor holds, as far as the next payloads refer to it. */
export interface DeflateContext {
  readonly history?: Buffer | undefined;
  /** The client's window, in bits: nothing further back is referred to. */
  readonly windowBits: number;
}

/**
 * Encodes payloads as compressed WebSocket frames. Each refers to the ones before it, and the first to `history`, so every
 * receiver must have got that with its last compressed messages. No state is kept: the bytes are the same for all.
 */
export function deflateFrames(payloads: readonly Buffer[], { history, windowBits }: DeflateContext): Buffer {
  const frames: Buffer[] = [];
  let held = history ?? Buffer.alloc(0);
  for (const [index, payload] of payloads.entries()) {
    const isFar = index === 0 || payload.length >= LARGE_BYTES;
    const dictionary = held.subarray(isFar ? -MAXIMUM_WINDOW_BYTES : -SMALL_WINDOW_BYTES);
    const compressed = deflateRawSync(payload, {
      ...COMPRESSOR,
      windowBits: windowBitsFor(dictionary.length + payload.length, windowBits),
      dictionary: dictionary.length > 0 ? dictionary : undefined,
    }).subarray(0, -BLOCK_END_BYTES);
    frames.push(encodeFrameHead(compressed.length, true), compressed);
    if (index < payloads.length - 1) held = Buffer.concat([held, payload]).subarray(-MAXIMUM_WINDOW_BYTES);
  }
  return Buffer.concat(frames);
}
