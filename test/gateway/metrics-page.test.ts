import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createMetrics } from "../../gateway/metrics.ts";
import { registerSampledMetrics } from "../../gateway/sampled-metrics.ts";
import { gatewayMetrics } from "../../kernel/operations/gateway-metrics.ts";
import { INTRODUCTION, PROVEN, PUBLISHERS } from "../support/metrics-texts.ts";

const PAGE = join(import.meta.dirname, "../../docs/metrics.md");

/** What a label may hold: a closed list of names, or what Redis's shards bound. Never a user, a market or an address of a client. */
const boundedLabels = ["channel", "code", "event", "primary", "reason", "result", "source", "stage", "type"];

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

let metrics: readonly Described[];
beforeAll(async () => {
  const { registry } = createMetrics();
  registerSampledMetrics({
    registry,
    hub: { countLeases: () => new Map() },
    fanOut: { waitingClients: 0, compressionMemoryBytes: 0, flushRestMs: 0 },
  });
  const all = registry.getMetricsAsArray() as unknown as readonly Described[];
  metrics = all.filter(({ name }) => name.startsWith("rt_")).toSorted((a, b) => a.name.localeCompare(b.name));
});

describe("the metrics of a gateway", () => {
  it("have no label without a bound", () => {
    const labels = new Set(metrics.flatMap(({ labelNames }) => labelNames));

    expect([...labels].toSorted()).toEqual(boundedLabels);
  });

  it("docs/metrics.md is generated (npx vitest run test/gateway/metrics-page.test.ts -u writes it)", async () => {
    const prometheus = metrics.map(
      ({ name, type, labelNames, help }) =>
        `| \`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(", ")} | ${help} |`,
    );
    const cloudWatch = Object.entries(gatewayMetrics).map(
      ([name, { unit, meaning }]) => `| \`${name}\` | ${unit} | ${meaning} |`,
    );
    const page = [
      INTRODUCTION,
      "## In CloudWatch, of the gateways",
      "| metric | unit | |\n| --- | --- | --- |",
      ...cloudWatch,
      "",
      PUBLISHERS,
      "## In Prometheus",
      "And those of the process that prom-client adds (`process_…`, `nodejs_…`: CPU, memory, event loop, garbage collection).\n",
      "| metric | type | labels | |\n| --- | --- | --- | --- |",
      ...prometheus,
      "",
      PROVEN,
    ];
    await expect(`${page.join("\n").trim()}\n`).toMatchFileSnapshot(PAGE);
  });
});
