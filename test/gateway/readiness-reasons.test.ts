import { pino } from "pino";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMetrics, type Metrics } from "../../gateway/metrics.ts";
import { Readiness } from "../../gateway/readiness.ts";
import type { NotReadyReason } from "../../gateway/redis/not-ready.ts";

interface State {
  isAdmitting: boolean;
  isFull: boolean;
  trouble: NotReadyReason | undefined;
}

let state: State;
let metrics: Metrics;
let readiness: Readiness;
let lines: { readonly msg: string; readonly reason?: string; readonly redis?: string }[];
beforeEach(() => {
  state = { isAdmitting: true, isFull: false, trouble: undefined };
  metrics = createMetrics();
  lines = [];
  readiness = new Readiness({
    isAdmitting: () => state.isAdmitting,
    isFull: () => state.isFull,
    redisTrouble: () => state.trouble,
    metrics,
    logger: pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line)) }),
    redisAddress: "redis.example:6379",
  });
});

/** The reasons that the metric shows. */
const shown = async (): Promise<unknown[]> =>
  (await metrics.notReadyReason.get()).values.map(({ labels }) => labels.reason);

describe("the reason for which a gateway is not ready", () => {
  it.each<[string, Partial<State>, NotReadyReason | undefined]>([
    ["none while clients can be served", {}, undefined],
    ["that it is full", { isFull: true }, "full"],
    ["that it drains, also when it is full", { isFull: true, isAdmitting: false }, "draining"],
    ["Redis's before its own", { isFull: true, isAdmitting: false, trouble: "replica" }, "replica"],
  ])("is %s", (_, changes, reason) => {
    Object.assign(state, changes);

    expect(readiness.reason).toBe(reason);
  });

  it("is in the metrics alone, and gone once the gateway is ready", async () => {
    state.trouble = "redis_silent";
    readiness.report();
    expect([(await metrics.ready.get()).values[0]?.value, await shown()]).toEqual([0, ["redis_silent"]]);

    Object.assign(state, { trouble: undefined, isFull: true });
    readiness.report();
    expect([(await metrics.ready.get()).values[0]?.value, await shown()]).toEqual([0, ["full"]]);

    state.isFull = false;
    readiness.report();
    expect([(await metrics.ready.get()).values[0]?.value, await shown()]).toEqual([1, []]);
  });

  it("is logged when it changes, and the same one at most once a minute", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const report = (trouble: NotReadyReason | undefined, time: number): void => {
      state.trouble = trouble;
      now.mockReturnValue(time);
      readiness.report();
    };
    report("redis_unreachable", 1_000);
    report("redis_unreachable", 2_000);
    report(undefined, 3_000);
    report("redis_unreachable", 4_000);
    report(undefined, 70_000);
    report("redis_unreachable", 71_000);
    now.mockRestore();

    expect(lines.map(({ msg, reason }) => [msg.split(":")[0], reason])).toEqual([
      ["not ready yet", "redis_unreachable"],
      ["ready", undefined],
      ["no longer ready", "redis_unreachable"],
    ]);
    expect(lines[0]?.redis).toBe("redis.example:6379");
  });

  it("does not take back that the gateway has been ready", () => {
    state.trouble = "redis_unreachable";
    expect(readiness.hasBeenReady).toBe(false);
    state.trouble = undefined;
    expect(readiness.hasBeenReady).toBe(true);
    state.trouble = "redis_unreachable";
    expect(readiness.hasBeenReady).toBe(true);
  });
});
