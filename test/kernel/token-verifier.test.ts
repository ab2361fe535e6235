import { beforeAll, describe, expect, it } from "vitest";
import { createTokenVerifier, type VerifyToken } from "../../kernel/auth/token-verifier.ts";
import { freePort } from "../../local/free-port.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";

let issuer: Issuer;
let verify: VerifyToken;
beforeAll(async () => {
  issuer = await createIssuer();
  verify = createTokenVerifier(issuer.env);
});

describe("a token", () => {
  it("of the issuer names its user and its end", async () => {
    const before = Math.floor(Date.now() / 1_000);
    const identity = await verify(await issuer.sign({ sub: "alice", expiresInSeconds: 60 }));
    expect(identity).toEqual({ sub: "alice", expiresAt: expect.any(Number), jti: expect.any(String) });
    expect(identity.expiresAt % 1_000).toBe(0);
    expect(identity.expiresAt).toBeGreaterThanOrEqual((before + 60) * 1_000);
  });

  it("may live for a day, and no longer", async () => {
    const day = 86_400;
    await expect(verify(await issuer.sign({ sub: "alice", expiresInSeconds: day }))).resolves.toBeDefined();
    const longer = await issuer.sign({ sub: "alice", expiresInSeconds: day + 1 });
    await expect(verify(longer)).rejects.toMatchObject({
      code: "token_invalid",
      message: expect.stringContaining("more than a day"),
    });
  });

  it("that is over is refused with another code than one that is wrong", async () => {
    const over = await issuer.sign({ sub: "alice", expiresInSeconds: -60 });
    await expect(verify(over)).rejects.toMatchObject({ code: "token_expired" });
    const other = await (await createIssuer()).sign({ sub: "alice" });
    for (const token of ["", "a.b.c", other]) {
      await expect(verify(token)).rejects.toMatchObject({ code: "token_invalid", message: "invalid token" });
    }
  });

  it("is refused for its length before it is read", async () => {
    await expect(verify("x".repeat(8_193))).rejects.toThrow("the token is longer than 8192 characters");
    await expect(verify("x".repeat(8_192))).rejects.toThrow("invalid token");
  });

  it("may prove valid later where the keys cannot be fetched", async () => {
    const { RT_AUTH_JWKS: _, ...env } = issuer.env;
    const RT_AUTH_JWKS_URI = `https://127.0.0.1:${await freePort()}/jwks.json`;
    const unreachable = createTokenVerifier({ ...env, RT_AUTH_JWKS_URI });
    const token = await issuer.sign({ sub: "alice" });
    await expect(unreachable(token)).rejects.toMatchObject({
      code: "unavailable",
      message: "could not fetch the issuer's signing keys; retry",
    });
  });
});
