import { constants, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EngineConnection } from "../../../gateway/socket-io/engine-connection.ts";
import { encodeFrame, payloadOfFrame } from "../../../gateway/socket-io/frames.ts";
import { deflateFrames, sharedWindowBits } from "../../../gateway/socket-io/shared-deflate.ts";

const BLOCK_END = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Splits compressed frames into their payloads, and inflates each in a window of so many bits that holds `history`. */
function inflate(frames: Buffer, history: Buffer, windowBits: number): string[] {
  const payloads: string[] = [];
  let held = history;
  for (let rest = frames; rest.length > 0; ) {
    expect(rest[0]).toBe(0xc1);
    const length = rest[1] === 126 ? rest.readUInt16BE(2) : (rest[1] ?? 0);
    const behindHead = payloadOfFrame(rest);
    const payload = behindHead.subarray(0, length);
    const dictionary = held.subarray(-(2 ** windowBits));
    const text = inflateRawSync(Buffer.concat([payload, BLOCK_END]), {
      ...{ finishFlush: constants.Z_SYNC_FLUSH, windowBits },
      ...(dictionary.length > 0 ? { dictionary } : {}),
    });
    payloads.push(text.toString());
    held = Buffer.concat([held, text]);
    rest = behindHead.subarray(length);
  }
  return payloads;
}

const text = fc
  .tuple(fc.string({ maxLength: 40, unit: "binary" }), fc.integer({ min: 1, max: 800 }))
  .map(([unit, count]) => unit.repeat(count));

describe("deflateFrames", () => {
  it("refers to nothing that a client's window does not hold", () => {
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 6 }),
        text,
        fc.integer({ min: 9, max: 15 }),
        (texts, history, windowBits) => {
          const payloads = [...texts, history, ...texts].map((each) => Buffer.from(each.toWellFormed()));
          const held = Buffer.from(history.toWellFormed());
          const frames = deflateFrames(payloads, { history: held, windowBits });
          expect(inflate(frames, held, windowBits)).toEqual(payloads.map(String));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("refers to a large payload's last version, nearly a window back", () => {
    const version = Buffer.from(Array.from({ length: 2_500 }, (_, place) => String((place * 7_919) % 99_991)).join());
    const alone = deflateFrames([version], { windowBits: 15 });
    const again = deflateFrames([version], { windowBits: 15, history: version });
    expect(alone.length).toBeGreaterThan(4_000);
    expect(again.length).toBeLessThan(200);
  });
});

const connectionOf = (offer: string | undefined): EngineConnection =>
  ({ request: { headers: { "sec-websocket-extensions": offer } } }) as never;

describe("sharedWindowBits", () => {
  it.each([
    ["permessage-deflate; client_max_window_bits", 15],
    ["permessage-deflate", 15],
    ["x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover", 15],
    ["permessage-deflate; server_max_window_bits=10", 10],
    ['permessage-deflate; client_max_window_bits; server_max_window_bits="9"', 9],
    // What zlib cannot write.
    ["permessage-deflate; server_max_window_bits=8", 0],
    ["permessage-deflate; server_no_context_takeover", 0],
    // The first offer is the one that is accepted.
    ["permessage-deflate; server_max_window_bits=12, permessage-deflate", 12],
    ["permessage-deflate, permessage-deflate; server_no_context_takeover", 15],
    ["permessage-deflate-v2", 0],
    ["", 0],
    [undefined, 0],
  ])("finds in the offer %j a window of %i bits", (offer, windowBits) => {
    expect(sharedWindowBits(connectionOf(offer))).toBe(windowBits);
  });
});

it("finds the payload of a frame of each length", () => {
  for (const length of [0, 124, 125, 65_534, 65_535]) {
    expect(payloadOfFrame(encodeFrame("x".repeat(length))).toString()).toBe(`4${"x".repeat(length)}`);
  }
});
