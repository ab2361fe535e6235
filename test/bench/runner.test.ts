import { expect, it } from "vitest";
import { treeOf } from "../../bench/fan-out/process-usage.ts";
import { Runner } from "../../bench/fan-out/runner.ts";
import { createServers } from "../../bench/fan-out/servers/servers.ts";
import { createShapes } from "../../bench/fan-out/shapes.ts";

it("a run that fails while clients connect stops every process, and reports the server's error", async () => {
  const before = treeOf(process.pid);
  const deaf = {
    ...createServers().ws,
    launch: () => ({ command: "sh", values: ["-c", "echo who is there; echo ready; exec sleep 600"], environment: {} }),
  };
  const runner = new Runner({
    contenders: new Map([["ws", deaf]]),
    shapes: new Map([["bursts", createShapes().bursts]]),
    runs: 1,
    onProgress: () => undefined,
    onMeasurement: () => undefined,
  });

  await expect(runner.run()).rejects.toThrow(/connection refused[\s\S]*who is there/);

  expect(treeOf(process.pid)).toEqual(before);
});
