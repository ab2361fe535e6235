import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RateLimit } from "../../client/core/subscriptions/rate-limit.ts";
import { Backoff } from "../../client/core/timing/backoff.ts";
import { readClaims, renewalDelay } from "../../client/core/tokens/token-claims.ts";
import { TokenSource } from "../../client/core/tokens/token-source.ts";
import { createIssuer } from "../../local/issuer.ts";

describe("the wait between attempts", () => {
  it("is random between 0 and a bound that doubles from 1 s to 30 s", () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(1);
    const backoff = new Backoff();
    const bounds = Array.from({ length: 8 }, () => backoff.next());
    expect(bounds).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    random.mockReturnValue(0);
    expect(backoff.next()).toBe(0);
    random.mockReturnValue(0.5);
    backoff.reset();
    expect(backoff.next()).toBe(500);
    random.mockRestore();
  });
});

describe("a token's renewal", () => {
  const claims = (left: number, life: number) => ({ expiresAt: 1_000_000 + left, issuedAt: 1_000_000 + left - life });

  it.each([
    ["a minute before the end of an hour", claims(3_600_000, 3_600_000), 3_540_000],
    ["at three quarters of a short life", claims(8_000, 8_000), 6_000],
    ["soon, where it is nearly over", claims(2_000, 3_600_000), 1_500],
    ["by its life, where the clock is far ahead", claims(-7_200_000, 3_600_000), 3_540_000],
    ["by its life, where the clock is far behind", claims(7_200_000, 3_600_000), 3_540_000],
    ["at least a second later", claims(10, 20), 1_000],
  ])("is %s", (_, token, delay) => {
    expect(renewalDelay(token, 1_000_000)).toBe(delay);
  });

  it("does not happen for a token that does not expire", () => {
    expect(renewalDelay({})).toBeUndefined();
  });

  it("uses the claims of the token", async () => {
    const token = await (await createIssuer()).sign({ sub: "Ørsted ☂", expiresInSeconds: 100 });
    const { sub, expiresAt = 0, issuedAt = 0 } = readClaims(token);
    expect([sub, expiresAt - issuedAt]).toEqual(["Ørsted ☂", 100_000]);
  });

  it("reads no claims from text that is not a JWT, and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readClaims(text)).toEqual({});
      }),
    );
    expect([readClaims(null), readClaims("a.bnVsbA.c"), readClaims("a.%%%.c")]).toEqual([{}, {}, {}]);
  });
});

describe("a source of tokens", () => {
  it("withholds a token that a connection failed with, until the service accepts one", async () => {
    const source = new TokenSource("t1");
    expect(await source.fetchForConnection()).toEqual({ token: "t1", isWithheld: false });
    source.refuse("t1");
    expect(await source.fetchForConnection()).toEqual({ token: null, isWithheld: true });
    source.accept();
    expect(await source.fetchForConnection()).toEqual({ token: "t1", isWithheld: false });
  });

  it("tries one more token of a function, and treats an empty one as none", async () => {
    const tokens = ["t1", "t2", "t3", ""];
    const source = new TokenSource(() => tokens.shift() ?? null);
    source.refuse(String(await source.fetch()));
    expect(await source.fetchForConnection()).toEqual({ token: "t2", isWithheld: false });
    source.refuse("t2");
    expect(await source.fetchForConnection()).toEqual({ token: null, isWithheld: true });
    expect(await source.fetchForConnection()).toEqual({ token: null, isWithheld: false });
  });
});

describe("a limit of the rate", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("passes the first value immediately, then the newest of each interval, by key", () => {
    const passed: string[] = [];
    const limit = new RateLimit<string>(10, (value) => passed.push(value));
    for (const value of ["a1", "a2", "a3"]) limit.offer("a", value);
    limit.offer("b", "b1");
    expect(passed).toEqual(["a1", "b1"]);
    vi.advanceTimersByTime(100);
    limit.offer("a", "a4");
    expect(passed).toEqual(["a1", "b1", "a3"]);
    vi.advanceTimersByTime(100);
    expect(passed).toEqual(["a1", "b1", "a3", "a4"]);
    limit.offer("a", "a5");
    limit.stop();
    vi.advanceTimersByTime(1_000);
    expect(passed).toHaveLength(4);
  });

  it("refuses a rate of 0", () => {
    expect(() => new RateLimit(0, () => undefined)).toThrow("maxRate must be more than 0, not 0");
  });
});
