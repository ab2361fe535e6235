import clusterKeySlot from "cluster-key-slot";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channelNames, channels } from "../../contract/channels.ts";
import { compareIds } from "../../contract/ids.ts";
import { identifier } from "../../contract/payloads/primitives.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import { indexKey, pubSubChannel, seenKey, streamKey, wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";

const name = fc
  .oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), fc.stringMatching(/^[{}:%#~a-b]{1,24}$/))
  .filter((text) => identifier.safeParse(text).success);

const stream: fc.Arbitrary<Stream> = fc
  .record({ channel: fc.constantFrom(...channelNames), key: name })
  .map(({ channel, key }) => (channels[channel].key === "none" ? { channel, key: undefined } : { channel, key }));

describe("names", () => {
  it("of two streams are the same only where the streams are", () => {
    fc.assert(
      fc.property(stream, stream, (a, b) => {
        const isSame = a.channel === b.channel && a.key === b.key;
        expect(roomName(a) === roomName(b)).toBe(isSame);
        expect(streamKey(a) === streamKey(b)).toBe(isSame);
      }),
      { numRuns: 3_000 },
    );
  });

  it("of a stream never are a whole channel's, never have a socket id's length", () => {
    fc.assert(
      fc.property(stream, (one) => {
        expect(roomName(one)).not.toHaveLength(20);
        for (const channel of channelNames) {
          if (one.key !== undefined) expect(roomName(one)).not.toBe(wholeChannelRoom(channel));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("that one run of the publish script touches are all in one cluster slot", () => {
    fc.assert(
      fc.property(stream, fc.nat(), (one, window) => {
        const whole = wholeChannelRoom(one.channel);
        const names = [
          streamKey(one),
          seenKey(one, window),
          pubSubChannel(roomName(one)),
          ...(whole === undefined ? [] : [pubSubChannel(whole), indexKey(one.channel)]),
        ];
        expect(new Set(names.map((text) => clusterKeySlot(text))).size).toBe(1);
      }),
    );
  });

  it("a private channel has no room without a user", () => {
    expect(() => roomName({ channel: "user:orders" })).toThrow(RangeError);
  });
});

describe("entry ids", () => {
  const part = fc.integer({ min: 0, max: 999_999_999_999_999 });
  it("compare by time, then by number, as numbers", () => {
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        expect(Math.sign(compareIds(`${a}-${b}`, `${c}-${d}`))).toBe(Math.sign(a - c) || Math.sign(b - d));
      }),
    );
    expect(compareIds("9-0", "10-0")).toBeLessThan(0);
    expect(compareIds("5-10", "5-9")).toBeGreaterThan(0);
  });
});
