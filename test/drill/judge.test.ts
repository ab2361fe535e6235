import { describe, expect, it } from "vitest";
import type { Applied } from "../../drill/drill-client.ts";
import { judge, type Witness } from "../../drill/judge.ts";
import { named } from "../../drill/messages.ts";
import { brokenPromises, type RoundResult, type Row, toRow } from "../../drill/row.ts";

const orders = named({ channel: "user:orders", key: "judged" });
const prices = named({ channel: "market:prices", key: "judged" });

/** The message of that number, with its id; the drill numbers a stream's messages from 1. */
const entry = (number: number, id = `${1_000 + number}-0`) => ({ id, number });

const applied = (entries: readonly ReturnType<typeof entry>[]): Applied[] =>
  entries.map((each) => ({ ...each, at: 0, isResumed: false }));

/** The drill's verdict on an application that got these messages of a stream, and notices of losses after these ids. */
function verdictOn(got: readonly ReturnType<typeof entry>[], toldAfter: readonly string[] = [], held = [1, 2, 3, 4]) {
  const entries = held.map((number) => entry(number));
  const witness: Witness = {
    name: "one",
    streams: [orders],
    journal: {
      applied: new Map([[orders.name, applied(got)]]),
      reports: toldAfter.map((lastId) => ({ stream: orders.name, lastId })),
    },
    positions: new Map([[orders.name, got.at(-1)?.id]]),
  };
  return judge([witness], new Map([[orders.name, { entries, top: entries.at(-1)?.id ?? "0-0" }]]));
}

const numbers = (...each: number[]) => each.map((number) => entry(number));
const kept = { undetected: 0, duplicates: 0, outOfOrder: 0, lost: 0 };

describe("the judge of the drill", () => {
  it("reports nothing if an application received every message once and in order", () => {
    expect(verdictOn(numbers(1, 2, 3, 4))).toEqual({ ...kept, problems: [] });
  });

  it.each([
    ["a message missing in the middle", numbers(1, 2, 4), { ...kept, lost: 1, undetected: 1 }],
    ["two messages missing, in one hole", numbers(1, 4), { ...kept, lost: 2, undetected: 1 }],
    ["two messages missing, in two holes", numbers(2, 4), { ...kept, lost: 2, undetected: 2 }],
    ["the end missing", numbers(1, 2), { ...kept, lost: 2, undetected: 1 }],
    ["everything missing", [], { ...kept, lost: 4, undetected: 1 }],
    ["a message twice", numbers(1, 2, 2, 3, 4), { ...kept, duplicates: 1 }],
    [
      "an event twice, under two ids",
      [...numbers(1, 2), entry(2, "1002-1"), ...numbers(3, 4)],
      { ...kept, duplicates: 1, undetected: 1 },
    ],
    ["an old message after a newer one", numbers(1, 3, 2, 4), { ...kept, outOfOrder: 1 }],
    ["a message that Redis does not hold", numbers(1, 2, 3, 4, 5), { ...kept, undetected: 1 }],
    [
      "another message under an id that Redis holds",
      [...numbers(1, 2), entry(9, "1003-0"), ...numbers(4)],
      { ...kept, lost: 1, undetected: 2, outOfOrder: 1 },
    ],
  ])("sees %s", (_what, got, expected) => {
    const { problems, ...verdict } = verdictOn(got);
    expect(verdict).toEqual(expected);
    expect(problems.length).toBeGreaterThan(0);
  });

  it("counts a missing message as detected if a gap was reported to the application, and as lost in any case", () => {
    expect(verdictOn(numbers(1, 2, 4), ["1002-0"])).toMatchObject({ ...kept, lost: 1 });
    expect(verdictOn(numbers(1, 2, 4), ["1003-0"])).toMatchObject({ ...kept, lost: 1, undetected: 1 });
  });

  it("counts what Redis lost as detected if it was reported to the application, and expects none of those messages", () => {
    const got = [...numbers(1, 2), entry(3, "1002-5"), ...numbers(3, 4)];
    expect(verdictOn(got, ["1002-5"])).toMatchObject(kept);
    expect(verdictOn(got)).toMatchObject({ ...kept, undetected: 1 });
  });

  it("allows lower ids after a reported reset, and not without one", () => {
    const lost = entry(9, "1009-0");
    const entries = numbers(1, 2, 3, 4);
    const truths = new Map([[orders.name, { entries, top: "1004-0" }]]);
    const verdictIf = (reports: Witness["journal"]["reports"]) =>
      judge(
        [
          {
            name: "one",
            streams: [orders],
            journal: { applied: new Map([[orders.name, applied([...numbers(1, 2), lost, ...numbers(4)])]]), reports },
            positions: new Map([[orders.name, "1004-0"]]),
          },
        ],
        truths,
      );
    const report = { stream: orders.name, lastId: lost.id, place: 3 };
    expect(verdictIf([report])).toMatchObject(kept);
    expect(verdictIf([{ ...report, place: 1 }])).toMatchObject({ ...kept, lost: 1, undetected: 1, outOfOrder: 1 });
    expect(verdictIf([])).toMatchObject({ ...kept, lost: 1, undetected: 2, outOfOrder: 1 });
  });

  it("detects a `latest` value that stays behind", () => {
    const truths = new Map([[prices.name, { entries: [entry(7)], top: entry(7).id }]]);
    const at = (id: string): Witness => ({
      name: "one",
      streams: [prices],
      journal: { applied: new Map(), reports: [] },
      positions: new Map([[prices.name, id]]),
    });
    expect(judge([at(entry(7).id)], truths)).toMatchObject(kept);
    expect(judge([at(entry(6).id)], truths)).toMatchObject({ ...kept, lost: 1, undetected: 1 });
  });
});

const round: RoundResult = {
  ...{ published: 10, holesInjected: 2, holesDetected: 2, holesRepaired: 2, undetected: 0, duplicates: 0 },
  ...{ outOfOrder: 0, lost: 0, lostByRedis: 0, reported: 0, repairMs: [30, 10, 20], problems: [] },
  ...{ histories: 4, applied: 40, told: 1, violations: 0, violationKinds: {}, did: { "keys moved": 5 } },
};

describe("a row of the drill", () => {
  it("adds up the rounds of a fault, with the percentiles of all their times", () => {
    const row = toRow("some-fault", [round, { ...round, lostByRedis: 3, repairMs: [40] }]);
    expect(row).toMatchObject({ fault: "some-fault", published: 20, holesInjected: 4, lostByRedis: 3 });
    expect(row).toMatchObject({ repairP50Ms: 30, repairP99Ms: 40 });
    expect(row).toMatchObject({ histories: 8, applied: 80, told: 2, violations: 0, did: { "keys moved": 10 } });
    expect(brokenPromises(row)).toEqual([]);
  });

  it.each([
    ["undetected", 1],
    ["duplicates", 1],
    ["outOfOrder", 1],
    ["lost", 1],
    ["holesDetected", 1],
    ["violations", 1],
  ] satisfies [keyof Row, number][])("breaks a guarantee if %s is %i", (name, value) => {
    expect(brokenPromises({ ...toRow("some-fault", [round]), [name]: value })).toHaveLength(1);
  });
});
