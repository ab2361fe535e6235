import { describe, expect, it } from "vitest";
import { channelNames } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { Simulation, USERS } from "../../local/simulator/simulation.ts";
import { toMessage } from "../support/messages.ts";

const START = 1_795_000_000_000;

function run(seed: number, steps: number): ChannelMessage[] {
  const simulation = new Simulation(seed);
  const events = Array.from({ length: steps }, (_, index) => simulation.next(START + index)).flat();
  return events.map(({ source, detailType, detail }, index) =>
    toMessage({ Source: source, DetailType: detailType, Detail: { ...detail } }, `event-${index}`),
  );
}

describe("the simulated market", () => {
  const messages = run(7, 20_000);

  it("makes events that match every domain's schema, for every channel", () => {
    expect(new Set(messages.map(({ channel }) => channel))).toEqual(new Set(channelNames));
  });

  it("is the same for the same seed, and different for another seed", () => {
    expect(run(7, 500)).toEqual(messages.slice(0, run(7, 500).length));
    expect(run(8, 500)).not.toEqual(run(7, 500));
  });

  it("moves orders from open to a final state, and never beyond", () => {
    const ended = new Set<string>();
    const seen = new Set<string>();
    const statuses = new Set<string>();
    for (const { channel, data } of messages) {
      if (channel !== "user:orders") continue;
      const { id, status } = data as { id: string; status: string };
      expect(ended).not.toContain(id);
      if (!seen.has(id)) expect(["open", "rejected"]).toContain(status);
      seen.add(id);
      statuses.add(status);
      if (!["open", "partially_filled"].includes(status)) ended.add(id);
    }
    expect(statuses).toEqual(new Set(["open", "partially_filled", "filled", "cancelled", "rejected", "expired"]));
  });

  it("gives each user their own data", () => {
    const users = messages.filter(({ channel }) => channel === "user:orders").map(({ key }) => key);
    expect(new Set(users)).toEqual(new Set(USERS));
  });
});
