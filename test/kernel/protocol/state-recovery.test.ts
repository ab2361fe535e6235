import { describe, expect, it } from "vitest";
import { FIRST_ID } from "../../../contract/ids.ts";
import type { ChangesMessage, DataMessage } from "../../../contract/messages.ts";
import { orderBookFormat } from "../../../contract/state/order-book-format.ts";
import { sumOf } from "../../../contract/state/verified-state.ts";
import {
  changeOfView,
  composeEntries,
  limitState,
  mergeDataEvents,
  resumeState,
  stateAfter,
  stateOf,
} from "../../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { type Book, book } from "../../support/books.ts";

const stream = { channel: "market:orderbook", key: "m" } as const;
const place = { channel: "market:orderbook", marketId: "m" } as const;
const value = (...bids: number[]): Book => book("m", bids, [9]);

const whole = (data: Book, id: string, prev: string): DataMessage => ({
  ...{ ...place, data, sum: sumOf(orderBookFormat, data), id, prev },
});

const change = (before: Book, after: Book, id: string, prev: string): ChangesMessage => ({
  ...place,
  changes: { head: orderBookFormat.head(after), rows: orderBookFormat.difference(before, after) },
  ...{ sum: sumOf(orderBookFormat, after), id, prev },
});

const [a, b, c] = [value(1, 2), value(1, 3), value(4, 3, 5)];
const state = (data: Book) => ({ value: data, sum: sumOf(orderBookFormat, data) });
const invalid = { ...change(a, b, "2-0", "1-0"), changes: { head: {}, rows: { "yes.bids.7": "1" } } };

describe("mergeDataEvents", () => {
  it("composes two changes, with the newer sum and id and the older prev", () => {
    const merged = mergeDataEvents(change(a, b, "2-0", "1-0"), change(b, c, "3-0", "2-0"));
    expect(merged).toMatchObject({ id: "3-0", prev: "1-0", sum: state(c).sum });
    expect(merged && stateAfter(state(a), merged)).toEqual(state(c));
  });

  it("applies a change to a whole value, and replaces anything by a whole one", () => {
    const first = whole(a, "1-0", FIRST_ID);
    expect(mergeDataEvents(first, change(a, b, "2-0", "1-0"))).toEqual({ ...whole(b, "2-0", FIRST_ID) });
    expect(mergeDataEvents(change(a, b, "2-0", "1-0"), whole(c, "3-0", "2-0"))).toEqual(whole(c, "3-0", "1-0"));
  });

  it("replaces a value of a channel without changes", () => {
    const price = (id: string, prev: string) =>
      ({ channel: "market:prices", data: { id }, id, prev }) as unknown as Entry;
    expect(mergeDataEvents(price("1-0", "0-0"), price("2-0", "1-0"))).toEqual({ ...price("2-0", "0-0") });
  });

  it("is undefined for a row that no value has", () => {
    expect(mergeDataEvents(whole(a, "1-0", FIRST_ID), invalid)).toBeUndefined();
    expect(composeEntries([whole(a, "1-0", FIRST_ID), invalid, whole(c, "3-0", "2-0")])).toBeUndefined();
    expect(composeEntries([])).toBeUndefined();
  });
});

describe("stateAfter", () => {
  it("proves an entry by its sum", () => {
    expect(stateAfter(state(a), change(a, b, "2-0", "1-0"))).toEqual(state(b));
    expect(stateAfter(state(c), change(a, b, "2-0", "1-0"))).toBeUndefined();
    expect(stateAfter(undefined, change(a, b, "2-0", "1-0"))).toBeUndefined();
    expect(stateAfter(state(a), invalid)).toBeUndefined();
    expect(stateAfter(undefined, whole(b, "2-0", "1-0"))).toEqual(state(b));
  });

  it("takes no whole value without its sum, or of another form", () => {
    expect(stateOf({ ...whole(a, "1-0", FIRST_ID), sum: 1 })).toBeUndefined();
    expect(stateOf({ ...whole(a, "1-0", FIRST_ID), data: { yes: 1 } as never })).toBeUndefined();
    const { sum: _, ...withoutSum } = whole(a, "1-0", FIRST_ID);
    expect(stateOf(withoutSum)).toBeUndefined();
  });
});

describe("changeOfView", () => {
  const view = (before: Book, after: Book) =>
    changeOfView(
      stream,
      { before: limitState(stream, state(before), 1), after: state(after), depth: 1 },
      { id: "9-0", prev: "7-0" },
    );

  it("has the rows that the view gains and loses, its sum, and the id that its subscribers have", () => {
    const change = view(a, c);
    expect(change?.message).toMatchObject({ ...place, depth: 1, id: "9-0", prev: "7-0" });
    expect(change?.message).toMatchObject({ changes: { rows: { "yes.bids.0.5": "4" } } });
    expect(change?.state).toEqual(limitState(stream, state(c), 1));
  });

  it("is undefined where the view stays the same but for its time", () => {
    expect(view(a, b)).toBeUndefined();
  });
});

describe("resumeState", () => {
  const entries = [whole(a, "1-0", FIRST_ID), change(a, b, "2-0", "1-0"), change(b, c, "3-0", "2-0")];
  const held = { stream, state: { ...state(c), id: "3-0" }, entries };

  it.each([
    ["without a last id, the whole value", undefined, { changes: true }, { data: c, id: "3-0", prev: "2-0" }, true],
    [
      "after an entry that is held, one change",
      "1-0",
      { changes: true },
      { changes: {}, id: "3-0", prev: "1-0" },
      true,
    ],
    ["after one that is not, the whole value", "0-5", { changes: true }, { data: c, id: "3-0", prev: "0-5" }, true],
    ["from the beginning, the whole value", FIRST_ID, { changes: true }, { data: c, id: "3-0", prev: FIRST_ID }, true],
    ["without changes, the whole value", "1-0", {}, { data: c, id: "3-0", prev: "1-0" }, true],
    ["with a depth, the whole view", "1-0", { changes: true, depth: 1 }, { depth: 1, id: "3-0", prev: "1-0" }, true],
    [
      "ahead of the stream, the whole value as it is",
      "9-0",
      { changes: true },
      { data: c, id: "3-0", prev: "2-0" },
      false,
    ],
  ] as const)("gives, %s", (_, lastId, view, message, recovered) => {
    const recovery = resumeState(held, lastId, view);
    expect(recovery).toMatchObject({ entries: [message], recovered });
    expect(recovery.entries).toHaveLength(1);
  });

  it("gives nothing to who has all, or where there is nothing", () => {
    expect(resumeState(held, "3-0", { changes: true })).toEqual({ entries: [], recovered: true });
    const nothing = { stream, state: undefined, entries: [] };
    expect(resumeState(nothing, undefined, {})).toEqual({ entries: [], recovered: true });
    expect(resumeState(nothing, FIRST_ID, {})).toEqual({ entries: [], recovered: true });
    expect(resumeState(nothing, "1-0", {})).toEqual({ entries: [], recovered: false });
  });
});
