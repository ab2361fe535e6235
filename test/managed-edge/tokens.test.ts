import { describe, expect, it } from "vitest";
import { startTestEdge } from "../support/edge.ts";
import { message, messages } from "../support/messages.ts";

const edge = await startTestEdge();

/** Long enough to connect and subscribe on a busy machine. */
const LIFETIME_SECONDS = 6;

const shortLived = (sub: string) => edge.issuer.sign({ sub, expiresInSeconds: LIFETIME_SECONDS });

const untilExpired = (token: string): Promise<void> => {
  const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { exp: number };
  return expect.poll(() => Date.now() > exp * 1_000).toBe(true);
};

describe("private channels", () => {
  it("deliver to their user only", async () => {
    const users = ["ann", "ben", "canary"];
    const clients = await Promise.all(users.map((user) => edge.connect({ user })));
    for (const client of clients) await client.ask("subscribe", { channel: "user:orders", userId: "ann", key: "ann" });
    const ann = await edge.publish(messages("user:orders", "ann", 5));
    const ben = await edge.publish(messages("user:orders", "ben", 5));
    const [fence] = await edge.publish(messages("user:orders", "canary", 1));
    await expect.poll(() => clients[2]?.ids("user:orders")).toEqual([fence]);
    await expect.poll(() => clients[0]?.ids("user:orders")).toEqual(ann);
    await expect.poll(() => clients[1]?.ids("user:orders")).toEqual(ben);
  });
});

describe("the end of a token", () => {
  it("ends private subscriptions with the next message, and public ones go on", async () => {
    const token = await shortLived("brief");
    const client = await edge.connect({ token });
    await client.ask("subscribe", { channel: "user:orders" });
    await client.ask("subscribe", { channel: "monitor:signals" });
    const [id] = await edge.publish([message("user:orders", "brief", 1)]);
    await expect.poll(() => client.ids("user:orders")).toEqual([id]);
    await untilExpired(token);
    await edge.publish([message("user:orders", "brief", 2)]);
    await expect.poll(() => client.errors).toMatchObject([{ code: "token_expired", channel: "user:orders" }]);
    const [signal] = await edge.publish([message("monitor:signals", undefined, 1)]);
    await expect.poll(() => client.ids("monitor:signals")).toEqual([signal]);
    expect(client.ids("user:orders")).toEqual([id]);
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ code: "unauthorized" });
  });

  it("ends private subscriptions with the next request", async () => {
    const token = await shortLived("quiet");
    const client = await edge.connect({ token });
    await client.ask("subscribe", { channel: "user:portfolio" });
    await untilExpired(token);
    await client.ask("ping");
    expect(client.errors).toMatchObject([{ code: "token_expired", channel: "user:portfolio" }]);
  });

  it("is extended by authenticate, without a new connection", async () => {
    const token = await shortLived("renewed");
    const client = await edge.connect({ token });
    await client.ask("subscribe", { channel: "user:orders" });
    const longer = await edge.issuer.sign({ sub: "renewed" });
    expect(await client.ask("authenticate", { token: longer })).toMatchObject({ sub: "renewed" });
    await untilExpired(token);
    const ids = await edge.publish(messages("user:orders", "renewed", 2));
    await expect.poll(() => client.ids("user:orders")).toEqual(ids);
    expect(client.errors).toEqual([]);
  });
});
