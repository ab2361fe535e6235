import fc from "fast-check";
import { expect, it } from "vitest";
import type { DataMessage } from "../../../contract/messages.ts";
import { Backlog } from "../../../gateway/fan-out/backlog.ts";
import { Outgoing } from "../../../gateway/fan-out/outgoing.ts";

const channel = "market:prices" as const;
const markets = ["a", "b", "c"];
const market = fc.constantFrom(...markets);
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("value" as const), market }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("beat" as const), market }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("answer" as const), market, hasSnapshot: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("take" as const), market, bytes: fc.constantFrom(1, 1, 150, 400) }),
    },
  ),
  { maxLength: 40 },
);

type Step = ReturnType<typeof steps.generate>["value"][number];

/** Fills and empties a backlog as that of a slow client. Returns the messages in the order in which they leave. */
function play(script: readonly Step[]): string[] {
  const backlog = new Backlog();
  const newest = new Map(markets.map((name) => [name, 0]));
  const left: Outgoing[] = [];
  const value = (marketId: string): DataMessage => {
    const number = newest.get(marketId) ?? 0;
    return { channel, marketId, data: {} as never, id: `${number}-0`, prev: `${number - 1}-0` };
  };
  for (const [sequence, step] of script.entries()) {
    const name = step.market;
    if (step.kind === "take") left.push(...backlog.take(step.bytes));
    else if (step.kind === "beat") {
      const message = { channel, marketId: name, id: `${newest.get(name)}-0` };
      backlog.add(new Outgoing({ event: "heartbeat", message, replaces: `heartbeat of ${name}` }, sequence));
    } else if (step.kind === "value") {
      newest.set(name, (newest.get(name) ?? 0) + 1);
      backlog.add(new Outgoing({ event: "data", message: value(name), replaces: name }, sequence));
    } else {
      const message = { channel, marketId: name, id: `${newest.get(name)}-0` };
      backlog.add(new Outgoing({ event: "subscribed", message }, sequence));
      if (step.hasSnapshot && newest.get(name))
        backlog.add(new Outgoing({ event: "data", message: value(name), replaces: name }, sequence));
    }
    expect(backlog.bytes).toBe(backlog.parts.reduce((sum, { frame }) => sum + frame.length, 0));
  }
  left.push(...backlog.take(Number.POSITIVE_INFINITY));
  return left.map(({ text }) => text.slice("2/ws,".length));
}

/** Checks what has left, line by line. Returns the last value of each market. */
function follow(lines: readonly string[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  const got = new Set(markets.map((name) => `${name} 0`));
  for (const line of lines) {
    const [event, { marketId, id, prev }] = JSON.parse(line) as [string, Record<"marketId" | "id" | "prev", string>];
    const number = Number.parseInt(id, 10);
    const position = positions.get(marketId) ?? 0;
    // A heartbeat with the id of a value that the client remembers is no reset to it; an unknown one would be.
    if (number < position) expect(event === "heartbeat" && got.has(`${marketId} ${number}`)).toBe(true);
    // A resume continues at the id of its answer.
    if (event === "subscribed") expect(number).toBe(position);
    if (event !== "data") continue;
    expect(Number.parseInt(prev, 10)).toBeLessThanOrEqual(position);
    positions.set(marketId, number);
    got.add(`${marketId} ${number}`);
  }
  return positions;
}

it("never sends an older id after a newer one of its stream, and loses nothing, in values, heartbeats or answers", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const positions = follow(play(script));
      for (const name of markets) {
        const values = script.filter((step) => step.kind === "value" && step.market === name);
        expect(positions.get(name) ?? 0).toBe(values.length);
      }
    }),
    { numRuns: 2_000 },
  );
});

it("gives out its oldest messages until the bytes asked for are reached, and counts the others", () => {
  const backlog = new Backlog();
  const parts = [1, 2, 3, 4].map((number) => {
    const message = { channel, marketId: "a", data: {} as never, id: `${number}-0`, prev: `${number - 1}-0` };
    return new Outgoing({ event: "data", message }, number);
  });
  for (const part of parts) backlog.add(part);
  const length = parts[0]?.frame.length ?? 0;
  expect(backlog.take(length)).toEqual(parts.slice(0, 1));
  expect(backlog.take(length + 1)).toEqual(parts.slice(1, 3));
  expect([backlog.bytes, backlog.isEmpty]).toEqual([length, false]);
  expect(backlog.take(length)).toEqual(parts.slice(3));
  expect([backlog.bytes, backlog.isEmpty]).toEqual([0, true]);
});

it("merges the ids of a whole channel's heartbeats, the newer ones first", () => {
  const backlog = new Backlog();
  const beat = (ids: Readonly<Record<string, string>>, sequence: number): boolean =>
    backlog.add(new Outgoing({ event: "heartbeat", message: { channel, ids }, replaces: "heartbeat" }, sequence));
  expect([beat({ a: "1-0", b: "1-0" }, 1), beat({ b: "2-0", c: "2-0" }, 2)]).toEqual([false, true]);
  const [part, ...more] = backlog.take(Number.POSITIVE_INFINITY);
  expect(more).toEqual([]);
  expect(JSON.parse(part?.text.slice("2/ws,".length) ?? "")).toEqual([
    "heartbeat",
    { channel, ids: { a: "1-0", b: "2-0", c: "2-0" } },
  ]);
});
