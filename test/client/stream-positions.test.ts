import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamPositions } from "../../client/core/positions/stream-positions.ts";
import { FIRST_ID } from "../../contract/ids.ts";

const idAt = (place: number): string => (place < 0 ? FIRST_ID : `${1_000 + Math.floor(place / 3)}-${place % 3}`);
const entryAt = (place: number) => ({ id: idAt(place), prev: idAt(place - 1) });

/** An event of a receiver of a stream with `LENGTH` entries. */
const LENGTH = 40;
const event = fc.oneof(
  // Any message may come at any time, again, late, or out of order: two connections, repeats, loss.
  fc.record({ kind: fc.constant("message" as const), place: fc.integer({ min: 0, max: LENGTH - 1 }) }),
  // A request is answered, and `arrive` of the messages that the reply names arrive before the connection ends.
  fc.record({
    kind: fc.constant("resume" as const),
    top: fc.integer({ min: 0, max: LENGTH - 1 }),
    arrive: fc.integer({ min: 0, max: LENGTH }),
  }),
);

const placeOf = (ids: readonly string[], id: string | undefined): number => (id === undefined ? -1 : ids.indexOf(id));
const all = Array.from({ length: LENGTH }, (_, place) => idAt(place));

/** The service's part of a resume: the answer, and the messages that follow it. */
function resume(positions: StreamPositions, applied: string[], { top, arrive }: { top: number; arrive: number }): void {
  const asked = positions.ids.get(undefined);
  const from = placeOf(all, asked) + 1;
  const reached = Math.max(top, from - 1);
  positions.applyReply({ key: undefined, id: idAt(reached), requestedId: asked, isLost: false });
  positions.start();
  for (let place = from; place <= reached && place - from < arrive; place += 1) {
    if (positions.take(undefined, entryAt(place)) === "apply") applied.push(idAt(place));
  }
}

describe("a receiver of an ordered stream", () => {
  it("applies every message once and in order, whatever arrives, repeats or is missing", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const positions = new StreamPositions({ isLatest: false, only: { key: undefined }, lastId: FIRST_ID });
        const applied: string[] = [];
        for (const each of events) {
          if (each.kind === "resume") resume(positions, applied, each);
          else if (positions.take(undefined, entryAt(each.place)) === "apply") applied.push(idAt(each.place));
        }
        expect(applied).toEqual(all.slice(0, applied.length));
        resume(positions, applied, { top: LENGTH - 1, arrive: LENGTH });
        expect(applied).toEqual(all);
        expect(positions.isCaughtUp).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("starts at the ids of the first reply, and at the start of streams that appear later", () => {
    const positions = new StreamPositions({ isLatest: false });
    expect(positions.take("a", entryAt(3))).toBe("ignore");
    positions.applyReply({ key: "a", id: idAt(3), requestedId: undefined, isLost: false });
    positions.start();
    expect([positions.take("a", entryAt(3)), positions.take("a", entryAt(4))]).toEqual(["old", "apply"]);
    expect([positions.take("new", entryAt(1)), positions.take("new", entryAt(0))]).toEqual(["hole", "apply"]);
  });

  it("reports a gap once, and continues with the next message", () => {
    const positions = new StreamPositions({ isLatest: false, lastId: { m: idAt(2) } });
    expect(positions.applyReply({ key: "m", id: idAt(20), requestedId: idAt(2), isLost: true })).toBe(idAt(2));
    positions.start();
    expect([positions.take("m", entryAt(10)), positions.take("m", entryAt(11)), positions.isCaughtUp]).toEqual([
      "apply",
      "apply",
      false,
    ]);
    expect([positions.take("m", entryAt(13)), positions.take("m", entryAt(12))]).toEqual(["hole", "apply"]);
  });

  it("follows a stream that lost its entries", () => {
    const positions = new StreamPositions({ isLatest: false, lastId: { m: idAt(9) } });
    expect(positions.applyReply({ key: "m", id: idAt(5), requestedId: idAt(9), isLost: true })).toBe(idAt(9));
    positions.start();
    expect(positions.isCaughtUp).toBe(true);
    expect(positions.take("m", { id: idAt(12), prev: idAt(5) })).toBe("apply");
  });

  it("reports no gap to a receiver that asked for all that the service holds", () => {
    const positions = new StreamPositions({ isLatest: false, lastId: FIRST_ID });
    expect(positions.applyReply({ key: undefined, id: idAt(20), requestedId: FIRST_ID, isLost: true })).toBeUndefined();
    expect(positions.take(undefined, entryAt(15))).toBe("apply");
  });
});

describe("a receiver of a latest stream", () => {
  it("never goes back, and has the newest value in the end", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: LENGTH - 1 }), { minLength: 1 }), (places) => {
        const positions = new StreamPositions({ isLatest: true });
        const applied = places.filter((place) => positions.take("m", entryAt(place)) === "apply");
        expect(applied).toEqual([...new Set(applied)].toSorted((a, b) => a - b));
        expect(applied.at(-1)).toBe(Math.max(...places));
      }),
    );
  });

  it("applies an older value where the stream itself went back", () => {
    const positions = new StreamPositions({ isLatest: true, lastId: { m: idAt(9) } });
    expect(positions.applyReply({ key: "m", id: idAt(5), requestedId: idAt(9), isLost: true })).toBeUndefined();
    expect(positions.take("m", entryAt(5))).toBe("apply");
  });
});
