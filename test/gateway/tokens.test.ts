import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

const now = (): number => Math.floor(Date.now() / 1_000);

/** A token like the issuer's own, signed by somebody else's key. */
async function forged(): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const { kid } = { ...(await exportJWK(publicKey)), kid: "forged" };
  const { RT_AUTH_ISSUER: issuer, RT_AUTH_AUDIENCE: audience } = platform.issuer.env;
  return new SignJWT({ sub: "alice", iss: issuer, aud: audience, iat: now(), exp: now() + 60 })
    .setProtectedHeader({ alg: "RS256", kid })
    .sign(privateKey);
}

/** A token whose header or claims were changed after it was signed. */
async function tampered(part: 0 | 1, change: object): Promise<string> {
  const parts = (await platform.issuer.sign({ sub: "alice" })).split(".");
  const value = JSON.parse(Buffer.from(parts[part] ?? "", "base64url").toString());
  parts[part] = Buffer.from(JSON.stringify({ ...value, ...change })).toString("base64url");
  return parts.join(".");
}

const sign = (claims: object, expiresInSeconds?: number) => () =>
  platform.issuer.sign({ sub: "alice", expiresInSeconds, claims: { ...claims } });

const refused: readonly (readonly [name: string, make: () => unknown, code: string])[] = [
  ["no JWT", () => "hello", "token_invalid"],
  ["a number", () => 5, "token_invalid"],
  ["an object", () => ({ sub: "alice" }), "token_invalid"],
  ["9,000 characters", () => "x".repeat(9_000), "token_invalid"],
  ["another signer", forged, "token_invalid"],
  ["a changed subject", () => tampered(1, { sub: "bob" }), "token_invalid"],
  ["the algorithm none", () => tampered(0, { alg: "none" }), "token_invalid"],
  ["another algorithm", () => tampered(0, { alg: "HS256" }), "token_invalid"],
  ["another issuer", sign({ iss: "https://elsewhere.example" }), "token_invalid"],
  ["another audience", sign({ aud: "another-app" }), "token_invalid"],
  ["no expiry", sign({ exp: undefined }), "token_invalid"],
  ["an empty subject", sign({ sub: "" }), "token_invalid"],
  ["a subject with a control character", sign({ sub: "a\nb" }), "token_invalid"],
  ["a life of a week", sign({}, 7 * 86_400), "token_invalid"],
  ["a start in the future", sign({ nbf: now() + 600 }), "token_invalid"],
  ["an expiry that is past", sign({}, -60), "token_expired"],
];

describe("the handshake", () => {
  it.each(refused)("refuses a token with %s, with a code and without the token", async (_name, make, code) => {
    const token = await make();
    const error = await platform.connect({ token }).then(
      () => undefined,
      (reason: Error & { data?: { code: string; message: string } }) => reason,
    );
    expect(error?.data).toMatchObject({ code });
    if (typeof token === "string") expect(JSON.stringify(error?.data)).not.toContain(token);
    if (typeof token === "string") expect(platform.gateways[0]?.log()).not.toContain(token);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["the empty text", ""],
  ])("takes %s as anonymous", async (_name, token) => {
    const client = await platform.connect({ token });
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ code: "unauthorized" });
  });

  it("does not read a token from the URL", async () => {
    const client = await platform.connect({ query: { token: await platform.issuer.sign({ sub: "alice" }) } });
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ code: "unauthorized" });
  });
});

describe("a token's life", () => {
  it("ends the private subscriptions when it expires, and keeps the public ones", async () => {
    const token = await platform.issuer.sign({ sub: "short", expiresInSeconds: 2 });
    const client = await platform.connect({ token });
    await client.ask("subscribe", { channel: "user:orders" });
    await client.ask("subscribe", { channel: "market:trades", marketId: "short" });
    await expect.poll(() => client.errors).toMatchObject([{ code: "token_expired", channel: "user:orders" }]);
    await platform.publish([message("user:orders", "short", 1)]);
    const [id] = await platform.publish([message("market:trades", "short", 1)]);
    await expect.poll(() => client.ids("market:trades")).toEqual([id]);
    expect(client.of("user:orders")).toEqual([]);
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ code: "unauthorized" });
  });

  it("is renewed in place by authenticate", async () => {
    const client = await platform.connect({ token: await platform.issuer.sign({ sub: "renew", expiresInSeconds: 2 }) });
    await client.ask("subscribe", { channel: "user:orders" });
    const token = await platform.issuer.sign({ sub: "renew", expiresInSeconds: 600 });
    const { expiresAt } = await client.ask("authenticate", { token });
    expect(expiresAt).toBeGreaterThan(Date.now() + 500_000);
    // The first token's end, told by a connection that was not renewed.
    const other = await platform.connect({ token: await platform.issuer.sign({ sub: "other", expiresInSeconds: 3 }) });
    await other.ask("subscribe", { channel: "user:orders" });
    await expect.poll(() => other.errors.length).toBe(1);
    const [id] = await platform.publish([message("user:orders", "renew", 1)]);
    await expect.poll(() => client.ids("user:orders")).toEqual([id]);
    expect(client.errors).toEqual([]);
  });

  it("ends the subscriptions of the previous user when authenticate changes the user", async () => {
    const client = await platform.connect({ user: "first" });
    await client.ask("subscribe", { channel: "user:orders" });
    expect(await client.ask("authenticate", { token: await platform.issuer.sign({ sub: "second" }) })).toMatchObject({
      sub: "second",
    });
    expect(client.errors).toMatchObject([{ code: "unauthorized", channel: "user:orders" }]);
    await client.ask("subscribe", { channel: "user:orders" });
    await platform.publish([message("user:orders", "first", 1)]);
    const [id] = await platform.publish([message("user:orders", "second", 1)]);
    await expect.poll(() => client.ids("user:orders")).toEqual([id]);
  });

  it("can be removed, and an invalid new token keeps the old one", async () => {
    const client = await platform.connect({ user: "keeper" });
    await client.ask("subscribe", { channel: "user:orders" });
    expect(await client.ask("authenticate", { token: "wrong" })).toMatchObject({ code: "token_invalid" });
    const [id] = await platform.publish([message("user:orders", "keeper", 1)]);
    await expect.poll(() => client.ids("user:orders")).toEqual([id]);
    expect(await client.ask("authenticate", { token: null })).toEqual({ sub: null });
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ code: "unauthorized" });
  });
});
