import fc from "fast-check";
import { expect, it } from "vitest";
import type { DataMessage } from "../../../contract/messages.ts";
import { Backlog } from "../../../gateway/fan-out/backlog.ts";
import { Outgoing } from "../../../gateway/fan-out/outgoing.ts";

const channel = "market:prices" as const;
const market = fc.constantFrom("a", "b");
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("value" as const), market }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("beat" as const), market }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("answer" as const), market }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const), market, bytes: fc.nat({ max: 400 }) }) },
  ),
  { maxLength: 40 },
);

type Step = ReturnType<typeof steps.generate>["value"][number];

/** Fills and empties a backlog as that of a slow client. Returns the messages in the order in which they leave. */
function play(script: readonly Step[]): string[] {
  const backlog = new Backlog();
  const newest = new Map([
    ["a", 0],
    ["b", 0],
  ]);
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
      if (newest.get(name))
        backlog.add(new Outgoing({ event: "data", message: value(name), replaces: name }, sequence));
    }
  }
  left.push(...backlog.take(Number.POSITIVE_INFINITY));
  return left.map(({ text }) => text.slice("2/ws,".length));
}

it("never sends an older id after a newer one of its stream, in values, heartbeats or replies", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const positions = new Map<string, number>();
      const got = new Set(["a 0", "b 0"]);
      for (const line of play(script)) {
        const [event, { marketId, id }] = JSON.parse(line) as [string, { marketId: string; id: string }];
        const number = Number.parseInt(id, 10);
        const position = positions.get(marketId) ?? 0;
        // A heartbeat with the id of a value that the client remembers is no reset to it; an unknown one would be.
        if (number < position) expect(event === "heartbeat" && got.has(`${marketId} ${number}`)).toBe(true);
        if (event !== "data") continue;
        positions.set(marketId, number);
        got.add(`${marketId} ${number}`);
      }
    }),
    { numRuns: 2_000 },
  );
});
