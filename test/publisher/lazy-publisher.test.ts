import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LazyPublisher, type StartedPublisher } from "../../publisher/lazy-publisher.ts";
import { message } from "../support/messages.ts";

/** A publisher whose calls and metrics are finished one by one, in the order in which they began. */
function startControlled() {
  const steps: string[] = [];
  const pending: (() => void)[] = [];
  const step = (name: string): Promise<void> =>
    new Promise((resolve) => {
      pending.push(() => {
        steps.push(name);
        resolve();
      });
    });
  const started: StartedPublisher = {
    publish: async () => {
      await step("published");
      return [];
    },
    flushMetrics: () => step("metrics"),
    close: () => void steps.push("closed"),
  };
  const finishNext = async (): Promise<void> => {
    await nextTurn();
    pending.shift()?.();
    await nextTurn();
  };
  return { steps, finishNext, publisher: new LazyPublisher(async () => started) };
}

const trade = message("market:trades", "lazy", 1);

describe("a publisher that starts with its first call", () => {
  it("resolves a call once its metrics are written, since Lambda stops the process then", async () => {
    const { steps, finishNext, publisher } = startControlled();
    const call = publisher.publish(trade).then(() => steps.push("resolved"));
    await finishNext();
    expect(steps).toEqual(["published"]);
    await finishNext();
    await call;
    expect(steps).toEqual(["published", "metrics", "resolved"]);
  });

  it("closes only once the last call under way is finished", async () => {
    const { steps, finishNext, publisher } = startControlled();
    const calls = [publisher.publish(trade), publisher.publish(trade)];
    const closing = publisher.close();
    for (let count = 0; count < 3; count += 1) await finishNext();
    expect(steps).toEqual(["published", "published", "metrics"]);
    await finishNext();
    await Promise.all([...calls, closing]);
    expect(steps.slice(3)).toEqual(["metrics", "closed"]);
  });
});
