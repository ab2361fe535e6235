import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { timeOf } from "../../contract/ids.ts";
import { roomName } from "../../contract/stream.ts";
import { pubSubChannel, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

const dropped = (reason: string): Promise<number> =>
  platform.gateways[0]?.metric("rt_redis_dropped_total", `reason="${reason}"`) ?? Promise.resolve(0);

/** A body as the publish script makes it, with ids of one's own. */
function bodyOf(marketId: string, ids: { readonly id: unknown; readonly prev: unknown }): string {
  const entry = { channel: "market:trades", marketId, data: { id: "forged" }, ...ids };
  const packet = { type: 2, nsp: "/ws", data: ["data", entry] };
  return JSON.stringify({ uid: "publisher", nsp: "/ws", type: 3, data: { opts: { rooms: [], except: [] }, packet } });
}

const say = (marketId: string, body: string): Promise<unknown> =>
  platform.commands.call("SPUBLISH", pubSubChannel(roomName({ channel: "market:trades", key: marketId })), body);

/** Writes an entry with an id of one's own, and tells nobody. */
async function append(marketId: string, id: string): Promise<void> {
  const { channel, data } = message("market:trades", marketId, 1);
  const body = JSON.stringify({ channel, marketId, data }).slice(0, -1);
  await platform.commands.call("XADD", streamKey({ channel, key: marketId }), id, "m", body, "p", "0-0");
  await platform.commands.call("ZADD", `index:{${channel}}`, timeOf(id), marketId);
}

describe("a Pub/Sub body with an id", () => {
  it.each([
    ["further ahead than any clock", "999999999999999-0", "id_ahead"],
    ["an hour ahead", () => `${Date.now() + 3_600_000}-0`, "id_ahead"],
    ["of too many digits", "1795770184307000000-0", "malformed"],
    ["beyond 2^53", "9007199254740993-0", "malformed"],
    ["with a leading zero", "01795770184307-0", "malformed"],
    ["without its second part", "1795770184307", "malformed"],
    ["of nothing", "", "malformed"],
    ["of a hyphen", "-", "malformed"],
    ["of three parts", "1-0-0", "malformed"],
    ["with a space", " 1-0", "malformed"],
    ["in another notation", "1e12-0", "malformed"],
    ["that is negative", "-1-0", "malformed"],
    ["that is a number", 5, "malformed"],
    ["that is null", null, "malformed"],
  ])("%s is dropped and counted, and genuine messages arrive", async (name, given, reason) => {
    const marketId = `body ${name}`;
    const id = typeof given === "function" ? given() : given;
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId });
    const ids = await platform.publish(messages("market:trades", marketId, 2));
    await expect.poll(() => client.ids("market:trades")).toEqual(ids);
    const before = await dropped(reason);

    await say(marketId, bodyOf(marketId, { id, prev: ids.at(-1) }));
    await expect.poll(() => dropped(reason)).toBeGreaterThan(before);
    ids.push(...(await platform.publish(messages("market:trades", marketId, 2, 3))));
    await expect.poll(() => client.ids("market:trades")).toEqual(ids);
    client.close();
  });
});

describe("an entry with an id further ahead than Redis's clock", () => {
  it("is skipped and counted; the market's other entries and all other markets are delivered", async () => {
    const channel = "market:trades";
    const ids = await platform.publish(messages(channel, "honest", 3));
    const known = await platform.publish(messages(channel, "forged", 2));
    await append("forged", "4000000000000-0");
    const before = await dropped("id_ahead");
    const gateway = await platform.addGateway();
    const client = await platform.connect({ gateway: platform.gateways.indexOf(gateway) });
    const answer = await client.ask("subscribe", { channel });
    expect(answer.ids).toMatchObject({ honest: ids.at(-1), forged: known.at(-1) });
    // Two rounds of the slow check, in which streams that seem to have expired would be forgotten.
    const rounds = (): number => client.heartbeats.filter((heartbeat) => heartbeat.ids !== undefined).length;
    await expect.poll(rounds).toBeGreaterThan(2);
    ids.push(...(await platform.publish(messages(channel, "honest", 1, 4))));
    await expect.poll(() => client.ids(channel)).toEqual(ids.slice(3));
    const late = await gateway.metric("rt_redis_dropped_total", 'reason="id_ahead"');
    expect(before + late).toBeGreaterThan(0);
  });
});
