import { describe, expect, it } from "vitest";
import { runDisconnections } from "../../bench/client/disconnections.ts";

// The long form: npm run bench:client -- disconnections
describe.each(["gateway", "managed"] as const)("applications on the %s edge", (edge) => {
  it("receive every message exactly once while connections are cut at random", async () => {
    const result = await runDisconnections({ edge, count: 25, rate: 300 });
    expect(result).toMatchObject({ holes: 0, doubles: 0, outOfOrder: 0, heldNoLonger: 0 });
    expect(result.disconnections).toBeGreaterThanOrEqual(25);
    expect(result.delivered).toBeGreaterThan(result.published);
  }, 1_800_000);
});
