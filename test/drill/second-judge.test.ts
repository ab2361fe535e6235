import { describe, expect, it } from "vitest";
import {
  type History,
  Journal,
  type JournalEvent,
  judge,
  StreamFollower,
  type StreamRecord,
  type ViolationKind,
} from "../../drill/second-judge/index.js";

const STREAM = "user:orders someone";

/** The id of the message of that number, as the drill's Redis would make it. */
const idOf = (number: number): string => `${1_000 + number}-0`;

const got = (number: number, more: Partial<JournalEvent> = {}): JournalEvent => ({
  type: "applied",
  id: idOf(number),
  number,
  at: number,
  ...more,
});

const told: JournalEvent = { type: "told", after: "0-0", at: 0 };
const began = (at: number): JournalEvent => ({ type: "began", at });

interface Evidence extends Partial<History> {
  /** Numbers that Redis holds; each was published at 1,000 times its number. */
  readonly held?: readonly number[];
  readonly record?: Partial<StreamRecord>;
}

/** The kinds of violations that the judge finds where one application saw these events. */
function kindsIn(events: readonly JournalEvent[], { held = [1, 2, 3, 4], record, ...more }: Evidence = {}) {
  const entries = held.map((number) => ({ id: idOf(number), number, offeredAt: number * 1_000 }));
  const history = { client: "one", kind: "stock", stream: STREAM, events, ...more };
  const records = new Map([[STREAM, { isLatest: false, from: 1, entries, states: [], ...record }]]);
  return judge({ histories: [history], records }).map(({ kind }) => kind);
}

const all = [1, 2, 3, 4].map((number) => got(number));
const latest = { isLatest: true } as const;

/** An order's states by time. */
const state = (number: number, version: number): JournalEvent => got(number, { entity: "order", version });

describe("the second judge", () => {
  it("reports nothing if an application received every message once and in order", () => {
    expect(kindsIn(all)).toEqual([]);
  });

  it.each<[string, readonly JournalEvent[], readonly ViolationKind[], Evidence?]>([
    ["a message twice", [got(1), got(2), got(2), got(3), got(4)], ["doubled"]],
    [
      "an event twice, under two ids",
      [got(1), got(2), got(2, { id: "1002-1" }), got(3), got(4)],
      ["doubled", "untold"],
    ],
    ["an old message after a newer one", [got(1), got(3), got(2), got(4)], ["disorder"]],
    ["a hole", [got(1), got(2), got(4)], ["hole"]],
    ["two holes", [got(2), got(4)], ["hole", "hole"]],
    ["a subscription that went silent", [got(1), got(2)], ["silent"]],
    ["a subscription on which nothing came", [], ["silent"]],
    ["a message that Redis lost, and nobody said so", [...all, got(5)], ["untold"]],
    ["an older value after a newer one", [got(4), got(3)], ["disorder"], { held: [3], record: latest }],
    [
      "an older value with a newer id",
      [got(2), got(1, { id: idOf(3) })],
      ["olderValue"],
      { held: [1], record: latest },
    ],
    ["a value that stays behind", [got(3)], ["finalValue"], { held: [4], record: latest }],
    ["a value that never came", [], ["finalValue"], { held: [4], record: latest }],
    ["an older state after a newer one", [state(1, 7), state(2, 5)], ["olderState"], { held: [1, 2] }],
    [
      "a state that stays behind",
      [state(1, 5)],
      ["finalState", "silent"],
      { held: [1, 2], record: { states: [{ entity: "order", version: 7, number: 2 }] } },
    ],
    ["a status that was not true", [...all, { type: "falselyLive", number: 4, at: 9 }], ["falselyLive"]],
    ["a client that did not come back", all, ["notBack"], { isLost: true }],
    ["a message of somebody else", all, ["foreign"], { strays: [{ type: "foreign", stream: STREAM, at: 1 }] }],
    ["a refusal for good", all, ["refused"], { strays: [{ type: "refused", stream: STREAM, at: 1 }] }],
  ])("finds %s", (_what, events, kinds, evidence) => {
    expect(kindsIn(events, evidence)).toEqual(kinds);
  });

  it("finds a message that does not say which event it is, and does not take it for an old one", () => {
    const journal = new Journal();
    journal.applied(STREAM, { channel: "user:orders", event: "n4@someone", data: { time: 1 }, id: idOf(4) });
    journal.applied(STREAM, { channel: "user:orders", data: { time: 1 }, id: idOf(5) });
    const kinds = kindsIn(journal.of(STREAM), { held: [4], record: latest, strays: journal.strays });
    expect(kinds).toEqual(["unnamed"]);
  });

  it("counts a missing message as reported only if the gap was reported between its neighbors", () => {
    expect(kindsIn([got(1), told, got(3), got(4)])).toEqual([]);
    expect(kindsIn([told, got(1), got(3), got(4)])).toEqual(["hole"]);
    expect(kindsIn([got(1), got(3), told, got(4)])).toEqual(["hole"]);
    expect(kindsIn([got(1), got(2), told])).toEqual([]);
  });

  it("allows lower ids after a reported reset", () => {
    const lost = got(5, { id: "1009-0" });
    expect(kindsIn([got(1), got(2), lost, told, got(3), got(4)])).toEqual([]);
    expect(kindsIn([got(1), got(2), lost, got(3), got(4)])).toEqual(["disorder", "disorder", "untold"]);
    expect(kindsIn([got(2), told, got(1)], { held: [1], record: latest })).toEqual([]);
  });

  it("expects of a new subscription only what was published after it began", () => {
    expect(kindsIn([began(2_500), got(3), got(4)])).toEqual([]);
    expect(kindsIn([began(1_999), got(3), got(4)])).toEqual(["hole"]);
    expect(kindsIn([got(1), got(2), began(9_000), got(2), got(3), got(4)])).toEqual([]);
  });

  it("allows an older value if Redis may have lost one, but not a value that stays behind", () => {
    const record = { isLatest: true, mayHaveLost: true };
    expect(kindsIn([got(4), got(3)], { held: [3], record })).toEqual([]);
    expect(kindsIn([got(4), got(3)], { held: [5], record })).toEqual(["finalValue"]);
  });

  it("does not count messages from before the round as lost", () => {
    expect(kindsIn([got(1), ...[3, 4].map((number) => got(number))], { held: [3, 4], record: { from: 2 } })).toEqual(
      [],
    );
  });

  it("names client, stream and message", () => {
    const records = new Map([
      [STREAM, { isLatest: false, from: 1, entries: [{ id: idOf(1), number: 1 }], states: [] }],
    ]);
    const [violation] = judge({ histories: [{ client: "one", kind: "sdk", stream: STREAM, events: [] }], records });
    expect(violation).toMatchObject({ client: "one", clientKind: "sdk", stream: STREAM, message: "number 1 (1001-0)" });
  });
});

/** A client that has taken message 2 of a stream on which every message counts. */
function follower(isLatest = false): StreamFollower {
  const stream = new StreamFollower({ isLatest, position: isLatest ? "0-0" : idOf(1) });
  expect(stream.take({ id: idOf(2), prev: idOf(1) })).toBe("show");
  return stream;
}

describe("the second judge's clients", () => {
  it("deliver what follows, drop duplicates, and request what is missing", () => {
    const stream = follower();
    expect(stream.take({ id: idOf(2), prev: idOf(1) })).toBe("drop");
    expect(stream.take({ id: idOf(4), prev: idOf(3) })).toBe("missing");
    expect(stream.take({ id: idOf(3), prev: idOf(2) })).toBe("show");
  });

  it("treat an unknown id below the position as a reset, and deliver nothing until the reply", () => {
    const stream = follower();
    expect(stream.take({ id: "1001-7", prev: idOf(1) })).toBe("reset");
    expect(stream.take({ id: idOf(3), prev: idOf(2) })).toBe("drop");

    stream.answer({ id: "1001-9", isLost: true });

    expect(stream.position).toBe("1001-9");
    expect(stream.take({ id: "1001-7", prev: idOf(1) })).toBe("drop");
    expect(stream.take({ id: "1001-9", prev: "1001-7" })).toBe("drop");
    expect(stream.take({ id: "1001-10", prev: "1001-9" })).toBe("show");
  });

  it("deliver the value that follows the reply to a reset, on `latest` channels", () => {
    const stream = follower(true);
    expect(stream.take({ id: "1001-7", prev: "0-0" })).toBe("reset");

    stream.answer({ id: "1001-7", isLost: true });

    expect(stream.take({ id: "1001-7", prev: "0-0" })).toBe("show");
    expect(stream.position).toBe("1001-7");
  });

  it("wait a second when a heartbeat is ahead, and not at all when it is behind", () => {
    const stream = follower();
    expect(stream.hear(idOf(3), 10_000)).toBe("wait");
    expect(stream.isBehind(10_900)).toBe(false);
    expect(stream.isBehind(11_000)).toBe(true);
    expect(stream.hear(idOf(2), 11_000)).toBe("wait");
    expect(stream.hear("1001-7", 11_000)).toBe("reset");
  });

  it("compare ids by their numbers", () => {
    const stream = follower();
    expect(stream.take({ id: `${idOf(2).slice(0, -1)}10`, prev: idOf(2) })).toBe("show");
    expect(stream.take({ id: "10000-0", prev: `${idOf(2).slice(0, -1)}10` })).toBe("show");
  });
});
