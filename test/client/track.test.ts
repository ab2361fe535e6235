import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Track } from "../../client/core/track.ts";
import { FIRST_ID } from "../../contract/ids.ts";

const idAt = (place: number): string => (place < 0 ? FIRST_ID : `${1_000 + Math.floor(place / 3)}-${place % 3}`);
const entryAt = (place: number) => ({ id: idAt(place), prev: idAt(place - 1) });

/** What can happen to a receiver of a stream of `LENGTH` entries. */
const LENGTH = 40;
const event = fc.oneof(
  // Any message may come at any time, again, late, or out of order: two connections, repeats, loss.
  fc.record({ kind: fc.constant("message" as const), place: fc.integer({ min: 0, max: LENGTH - 1 }) }),
  // A request is answered, and so many of the messages that it promises arrive before the connection ends.
  fc.record({
    kind: fc.constant("resume" as const),
    top: fc.integer({ min: 0, max: LENGTH - 1 }),
    arrive: fc.integer({ min: 0, max: LENGTH }),
  }),
);

const placeOf = (ids: readonly string[], id: string | undefined): number => (id === undefined ? -1 : ids.indexOf(id));
const all = Array.from({ length: LENGTH }, (_, place) => idAt(place));

/** The service's part of a resume: the answer, and the messages that follow it. */
function resume(track: Track, applied: string[], { top, arrive }: { top: number; arrive: number }): void {
  const asked = track.positions.get(undefined);
  const from = placeOf(all, asked) + 1;
  const reached = Math.max(top, from - 1);
  track.settle(undefined, { id: idAt(reached), asked, isLost: false });
  track.start();
  for (let place = from; place <= reached && place - from < arrive; place += 1) {
    if (track.take(undefined, entryAt(place)) === "apply") applied.push(idAt(place));
  }
}

describe("a receiver of an ordered stream", () => {
  it("applies every message once and in order, whatever arrives, repeats or is missing", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const track = new Track({ isLatest: false, only: { key: undefined }, lastId: FIRST_ID });
        const applied: string[] = [];
        for (const each of events) {
          if (each.kind === "resume") resume(track, applied, each);
          else if (track.take(undefined, entryAt(each.place)) === "apply") applied.push(idAt(each.place));
        }
        expect(applied).toEqual(all.slice(0, applied.length));
        resume(track, applied, { top: LENGTH - 1, arrive: LENGTH });
        expect(applied).toEqual(all);
        expect(track.isLevel).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("begins where the first answer says, and at the beginning of what is new after that", () => {
    const track = new Track({ isLatest: false });
    expect(track.take("a", entryAt(3))).toBe("ignore");
    track.settle("a", { id: idAt(3), asked: undefined, isLost: false });
    track.start();
    expect([track.take("a", entryAt(3)), track.take("a", entryAt(4))]).toEqual(["old", "apply"]);
    expect([track.take("new", entryAt(1)), track.take("new", entryAt(0))]).toEqual(["hole", "apply"]);
  });

  it("tells of a gap once, and goes on with whatever comes next", () => {
    const track = new Track({ isLatest: false, lastId: { m: idAt(2) } });
    expect(track.settle("m", { id: idAt(20), asked: idAt(2), isLost: true })).toBe(idAt(2));
    track.start();
    expect([track.take("m", entryAt(10)), track.take("m", entryAt(11)), track.isLevel]).toEqual([
      "apply",
      "apply",
      false,
    ]);
    expect([track.take("m", entryAt(13)), track.take("m", entryAt(12))]).toEqual(["hole", "apply"]);
  });

  it("follows a stream that lost the entries that it had", () => {
    const track = new Track({ isLatest: false, lastId: { m: idAt(9) } });
    expect(track.settle("m", { id: idAt(5), asked: idAt(9), isLost: true })).toBe(idAt(9));
    track.start();
    expect(track.isLevel).toBe(true);
    expect(track.take("m", { id: idAt(12), prev: idAt(5) })).toBe("apply");
  });

  it("tells nobody of a gap who asked for all that is held", () => {
    const track = new Track({ isLatest: false, lastId: FIRST_ID });
    expect(track.settle(undefined, { id: idAt(20), asked: FIRST_ID, isLost: true })).toBeUndefined();
    expect(track.take(undefined, entryAt(15))).toBe("apply");
  });
});

describe("a receiver of a latest stream", () => {
  it("never goes back, and has the newest value in the end", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: LENGTH - 1 }), { minLength: 1 }), (places) => {
        const track = new Track({ isLatest: true });
        const applied = places.filter((place) => track.take("m", entryAt(place)) === "apply");
        expect(applied).toEqual([...new Set(applied)].toSorted((a, b) => a - b));
        expect(applied.at(-1)).toBe(Math.max(...places));
      }),
    );
  });

  it("takes an older value where the stream itself went back", () => {
    const track = new Track({ isLatest: true, lastId: { m: idAt(9) } });
    expect(track.settle("m", { id: idAt(5), asked: idAt(9), isLost: true })).toBeUndefined();
    expect(track.take("m", entryAt(5))).toBe("apply");
  });
});
