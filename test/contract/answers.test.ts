import { describe, expect, it } from "vitest";
import { describeError, subscriptionEnded } from "../../contract/answers.ts";
import { ChannelError } from "../../contract/errors.ts";

const refusal = new ChannelError("unavailable", "try again");
const refused = { code: "unavailable", message: "try again" };

describe("describeError", () => {
  it("names the channel and the markets as in the request", () => {
    const request = { channel: "market:prices", marketId: ["m1", "m2"], lastId: "0-0" };
    expect(describeError(refusal, request)).toEqual({ ...refused, channel: "market:prices", marketId: ["m1", "m2"] });
    expect(describeError(refusal, { channel: "market:prices", marketId: "m1" })).toEqual({
      ...refused,
      channel: "market:prices",
      marketId: "m1",
    });
  });

  it.each([
    undefined,
    null,
    "market:prices",
    7,
    { channel: "x".repeat(65), marketId: "m".repeat(129) },
    { channel: 1, marketId: [1] },
    { marketId: Array(501).fill("m") },
  ])("repeats nothing of %j", (request) => {
    expect(describeError(refusal, request)).toEqual(refused);
  });
});

describe("subscriptionEnded", () => {
  it("names the market of a channel that is split by market, and never the user", () => {
    expect(subscriptionEnded({ channel: "market:trades", key: "m1" }, refusal)).toEqual({
      ...refused,
      channel: "market:trades",
      marketId: "m1",
    });
    expect(subscriptionEnded({ channel: "market:trades" }, refusal)).toEqual({ ...refused, channel: "market:trades" });
    expect(subscriptionEnded({ channel: "user:orders", key: "alice" }, refusal)).toEqual({
      ...refused,
      channel: "user:orders",
    });
  });
});
