import { describe, expect, it } from "vitest";
import type { SubscribedMessage } from "../../contract/messages.ts";
import type { Stream } from "../../contract/stream.ts";
import { dataOf, targetOf } from "../../gateway/fan-out/stream-target.ts";
import type { GatewaySocket } from "../../gateway/socket-io/socket.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { messages } from "../support/messages.ts";
import { setUpInProcess } from "./set-up.ts";

const suite = setUpInProcess();

async function publish(channel: "market:trades" | "market:prices", key: string, count: number): Promise<string[]> {
  const outcomes = await suite.redis.addPublisher().publish(messages(channel, key, count));
  return outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
}

/** Serves a request as if it had arrived from the client. Returns the answers given before this function returns. */
function receive(socket: GatewaySocket, request: object): SubscribedMessage[] {
  const answers: SubscribedMessage[] = [];
  for (const listener of socket.listeners("subscribe")) {
    listener(request, (answer) => answers.push(answer as SubscribedMessage));
  }
  return answers;
}

describe("a subscribe that needs no waiting", () => {
  it.each([
    ["to a stream", "market:trades", (key: string) => ({ marketId: key })],
    ["to a value", "market:prices", (key: string) => ({ marketId: key })],
    ["to a whole channel", "market:trades", () => ({})],
    ["that resumes", "market:trades", (key: string, ids: readonly string[]) => ({ marketId: key, lastId: ids[0] })],
  ] as const)("%s is live in the same tick", async (title, channel, fields) => {
    const stream: Stream = { channel, key: title };
    const ids = await publish(channel, title, 3);
    const request = { channel, ...fields(title, ids) };
    const other = await suite.gateway.connect();
    await other.client.ask("subscribe", request);
    const { client, socket } = await suite.gateway.connect();
    const next = { ...messages(channel, title, 1, 4)[0], marketId: title, id: "1-1", prev: "1-0" } as unknown as Entry;

    const answers = receive(socket, request);
    // Reaches only who is in the room already: the stream does not know of it.
    suite.gateway.fanOut.send(targetOf(stream), dataOf(stream, next));

    expect(answers).toEqual([expect.objectContaining({ channel })]);
    await expect.poll(() => client.ids(channel)).toContain("1-1");
  });

  it("that resumes a live subscription is live again in the same tick", async () => {
    const stream: Stream = { channel: "market:trades", key: "again" };
    const ids = await publish("market:trades", "again", 3);
    const { client, socket } = await suite.gateway.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "again" });
    const next = { ...messages("market:trades", "again", 1, 4)[0], marketId: "again", id: "1-1", prev: "1-0" };

    const answers = receive(socket, { channel: "market:trades", marketId: "again", lastId: ids[0] });
    suite.gateway.fanOut.send(targetOf(stream), dataOf(stream, next as unknown as Entry));

    expect(answers).toEqual([expect.objectContaining({ recovered: true })]);
    await expect.poll(() => client.ids("market:trades")).toEqual([ids[1], ids[2], "1-1"]);
  });
});
