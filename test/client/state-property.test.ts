import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Message } from "../../client/core/types.ts";
import type { Depth } from "../../contract/limits.ts";
import { orderBookFormat as format } from "../../contract/state/order-book-format.ts";
import { type Fault, StateModel } from "./state-model.ts";
import { type Book, StateService } from "./state-service.ts";

const faults: readonly Fault[] = ["drop", "double", "swap", "row", "key", "sum", "form"];
const depths: readonly (Depth | undefined)[] = [undefined, 1, 5];

const action = fc.oneof(
  { weight: 4, arbitrary: fc.constant("publish" as const) },
  { weight: 4, arbitrary: fc.constant("deliver" as const) },
  { weight: 2, arbitrary: fc.constantFrom(...faults) },
  { weight: 1, arbitrary: fc.constantFrom("compose" as const, "heartbeat" as const, "reconnect" as const) },
  { weight: 1, arbitrary: fc.constantFrom("join" as const, "leave" as const, "lose" as const) },
);

function step(model: StateModel, name: typeof action extends fc.Arbitrary<infer A> ? A : never, random: number): void {
  if (name === "join") model.join(depths[random % depths.length]);
  else if (name === "lose") model.service.lose(1 + (random % 3));
  else if (faults.includes(name as Fault)) model.harm(name as Fault);
  else model[name as Exclude<typeof name, Fault | "join" | "lose">]();
}

const limit = (book: Book, depth: Depth | undefined): Book =>
  depth === undefined ? book : (format.limit?.(book, depth) ?? book);

/** Expects that each value that was shown is the service's of that id, and that what is equal is the same object. */
function checkShown(shown: readonly Message<"market:orderbook">[], depth: Depth | undefined, model: StateModel): void {
  for (const { id, data } of shown) {
    const truth = model.service.published.get(id);
    expect(JSON.stringify(data)).toBe(JSON.stringify(truth && limit(truth, depth)));
  }
}

function checkSharing(shown: readonly Message<"market:orderbook">[]): void {
  for (const [index, { data, changed }] of shown.entries()) {
    const before = shown[index - 1]?.data;
    expect(changed).toEqual(before && Object.keys(format.difference(before, data)));
    if (!before) continue;
    for (const outcome of ["yes", "no"] as const) {
      for (const side of ["bids", "asks"] as const) {
        const isSame = JSON.stringify(before[outcome][side]) === JSON.stringify(data[outcome][side]);
        expect(before[outcome][side] === data[outcome][side]).toBe(isSame);
      }
    }
  }
}

const withoutTime = (book: Book | undefined): string => JSON.stringify({ ...book, time: 0 });

describe("a subscription to a state channel", () => {
  it("comes to the truth whatever is lost, doubled, reordered or forged, and shows nothing else meanwhile", () => {
    const steps = fc.array(fc.tuple(action, fc.nat(1_000)), { maxLength: 80, size: "max" });
    const start = fc.array(fc.constantFrom(...depths), { minLength: 1, maxLength: 3 });
    let wrong = 0;
    fc.assert(
      fc.property(start, fc.nat(), steps, (wanted, seed, all) => {
        const model = new StateModel(new StateService("m"), wanted, seed);
        for (const [name, random] of all) step(model, name, random);
        model.settle();
        wrong += model.wrong;
        const hadReset = all.some(([name]) => name === "lose");
        for (const { receiver, shown } of model.receivers) {
          checkShown(shown, receiver.depth, model);
          if (!hadReset || receiver.depth !== undefined) checkSharing(shown);
          const truth = limit(model.service.value, receiver.depth);
          expect(withoutTime(shown.at(-1)?.data)).toBe(withoutTime(truth));
          if (receiver.depth === undefined) expect(shown.at(-1)?.id).toBe(model.service.id);
        }
      }),
      { numRuns: 600 },
    );
    expect(wrong).toBeGreaterThan(500);
  });
});
