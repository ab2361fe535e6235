import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Stream } from "../../contract/stream.ts";
import { CatchUp } from "../../gateway/connection/catch-up.ts";
import type { OutgoingOptions } from "../../gateway/fan-out/outgoing.ts";
import { EntryStream } from "../../gateway/streams/entry-stream.ts";
import { createStreamReader, type StreamReader } from "../../kernel/streams/stream-reader.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const idsOf = (contents: readonly OutgoingOptions[]): string[] =>
  contents.flatMap(({ event, message: { id } }) => (event === "data" && id !== undefined ? [id] : []));

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

describe("a resume that waits for Redis while the token expires", () => {
  it("ends with it, and nothing private follows", async () => {
    // More than a gateway keeps in memory, so that the first one has to be looked for in Redis.
    const ids = await platform.publish(messages("user:orders", "expiring", 100));
    const other = await platform.connect({ user: "expiring" });
    await other.ask("subscribe", { channel: "user:orders" });
    const token = await platform.issuer.sign({ sub: "expiring", expiresInSeconds: 3 });
    const client = await platform.connect({ token });
    await client.ask("subscribe", { channel: "user:orders" });

    platform.redis.process.kill("SIGSTOP");
    const answer = client.ask("subscribe", { channel: "user:orders", lastId: ids[0] });
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain("token_expired");
    platform.redis.process.kill("SIGCONT");

    expect(await answer).toMatchObject({ channel: "user:orders", code: expect.any(String) });
    const [last] = await platform.publish([message("user:orders", "expiring", 101)]);
    await expect.poll(() => other.ids("user:orders")).toContain(last);
    await client.ask("subscribe", { channel: "monitor:signals" });
    expect(client.ids("user:orders")).toEqual([]);
  });
});

describe("a hand-over in the middle of which Redis does not answer", () => {
  it("goes on once it does, and misses nothing", async () => {
    const stream: Stream = { channel: "user:notifications", key: "middle" };
    const ids = await platform.publish(messages("user:notifications", "middle", 150));
    const real = createStreamReader(platform.commands);
    let failures = 0;
    const reader: StreamReader = {
      ...real,
      async newest(...values) {
        if (failures === 0) return real.newest(...values);
        failures -= 1;
        throw new Error("no answer");
      },
    };
    const nothing = (): undefined => undefined;
    const state = new EntryStream({ stream, reader, deliver: nothing, onGap: nothing, onError: nothing });
    await state.load();
    const request = { channel: stream.channel, lastId: ids[139] ?? "" };
    const catchUp = new CatchUp(request, [{ views: () => [state] }]);

    await catchUp.load();
    const { answer, contents } = catchUp.start();
    const sent = idsOf(contents);
    // Before they are sent more come than the gateway keeps in memory, and it cannot read them at the first two attempts.
    ids.push(...(await platform.publish(messages("user:notifications", "middle", 100, 151))));
    for (const entry of await real.after(stream, state.lastId, 100)) state.receive(entry);
    failures = 2;
    while (catchUp.isBehind) sent.push(...idsOf(await catchUp.next()));

    expect(answer).toMatchObject({ id: ids[149], recovered: true });
    expect(failures).toBe(0);
    expect(sent).toEqual(ids.slice(140));
  });
});
