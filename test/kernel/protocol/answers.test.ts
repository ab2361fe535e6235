import { describe, expect, it } from "vitest";
import { ChannelError } from "../../../contract/errors.ts";
import { describeUnsubscribed, toRefusal } from "../../../kernel/protocol/answers.ts";
import { describeAuthenticated, identify, isSameUser } from "../../../kernel/protocol/authentication.ts";

describe("toRefusal", () => {
  it("passes on what a client may see", () => {
    const refusal = new ChannelError("unavailable", "retry");
    expect(toRefusal(refusal)).toBe(refusal);
  });

  it("hides the text of any other failure", () => {
    for (const failure of [new Error("connect ECONNREFUSED 10.0.0.1"), "10.0.0.1", undefined]) {
      expect(toRefusal(failure)).toMatchObject({ code: "internal", message: "the request failed" });
    }
    expect(toRefusal(new Error("secret"), "the handshake failed").message).toBe("the handshake failed");
  });
});

describe("authenticate", () => {
  const alice = { sub: "alice", expiresAt: 1_000 };
  const refusal = new ChannelError("token_invalid", "invalid token");
  const verify = async (token: string) => {
    if (token === "wrong") throw refusal;
    return { ...alice, sub: token };
  };

  it("takes null for an anonymous connection, and anything else for a token", async () => {
    expect(await identify(null, verify)).toBeUndefined();
    expect(await identify("bob", verify)).toEqual({ sub: "bob", expiresAt: 1_000 });
    await expect(identify("wrong", verify)).rejects.toBe(refusal);
  });

  it("keeps private subscriptions over a renewed token of the same user alone", () => {
    expect(isSameUser(alice, { ...alice, expiresAt: 2_000 })).toBe(true);
    expect(isSameUser(alice, { ...alice, sub: "bob" })).toBe(false);
    expect(isSameUser(alice, undefined)).toBe(false);
    expect(isSameUser(undefined, alice)).toBe(false);
    expect(isSameUser(undefined, undefined)).toBe(true);
  });

  it("answers with the user and the end of the token, never with its id", () => {
    expect(describeAuthenticated({ ...alice, jti: "token-1" })).toEqual(alice);
    expect(describeAuthenticated(undefined)).toEqual({ sub: null });
  });
});

it("an `unsubscribe` is answered with the markets as it named them", () => {
  const request = { channel: "market:prices", marketId: ["m1", "m1"], keys: ["m1"] } as const;
  expect(describeUnsubscribed(request)).toEqual({ channel: "market:prices", marketId: ["m1", "m1"] });
});
