import { afterAll, beforeAll, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { DrillClient } from "../../drill/drill-client.ts";
import { judge } from "../../drill/judge.ts";
import { createMessage, named } from "../../drill/messages.ts";
import { Truth } from "../../drill/truth.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const COUNT = 900;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
  await platform.commands.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 512kb 1");
});
afterAll(() => platform.stop());

const stream = named({ channel: "user:notifications", key: "stalled" });

/** Large, so that what the kernel holds back for a stopped process is soon full: six bytes of JSON a character. */
function notification(number: number): ChannelMessage {
  const of = createMessage(stream, number);
  return { ...of, data: { ...of.data, body: "\u0001".repeat(2_000) } } as ChannelMessage;
}

const subscriberConnections = async (): Promise<string> =>
  String(await platform.commands.call("CLIENT", "LIST", "TYPE", "PUBSUB"));

it("a gateway that is paused until Redis disconnects it delivers everything to its clients, once and in order", async () => {
  const token = await platform.issuer.sign({ sub: "stalled" });
  const client = new DrillClient({
    ...{ name: "client", url: platform.gateways[0]?.url ?? "", user: "stalled", token },
    requests: [{ channel: stream.channel }],
  });
  const child = platform.gateways[0]?.process;
  try {
    await expect.poll(() => client.isSettled).toBe(true);
    await platform.publish([notification(1)]);
    child?.kill("SIGSTOP");
    for (let number = 2; number < COUNT; number += 1) await platform.publish([notification(number)]);
    await expect.poll(subscriberConnections).toBe("");
    child?.kill("SIGCONT");
    await platform.publish([notification(COUNT)]);

    const truths = await new Truth(platform.commands, [stream]).read();
    await expect.poll(() => client.positions().get(stream.name)).toBe(truths.get(stream.name)?.top);
    const { journal } = client;
    const witness = { name: client.name, streams: [stream], journal, positions: client.positions() };
    expect(judge([witness], truths)).toMatchObject({ undetected: 0, duplicates: 0, outOfOrder: 0, lost: 0 });
    expect(journal.reports).toEqual([]);
    expect(journal.applied.get(stream.name)).toHaveLength(COUNT);
  } finally {
    child?.kill("SIGCONT");
    client.leave();
  }
});
