import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { channelNames } from "../../contract/channels.ts";
import { endProcess, onLines } from "../../local/child-process.ts";
import { freePort } from "../../local/free-port.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { connectEdgeClient } from "../support/edge-client.ts";
import { type Example, examples, toMessage } from "../support/messages.ts";

const ENTRY = join(import.meta.dirname, "../../local/main.ts");

let port: number;
let url: string;
let child: ReturnType<typeof spawn>;
let output = "";
let events: EventBridgeClient;
const clients: TestClient[] = [];

beforeAll(async () => {
  port = await freePortPair();
  url = `http://127.0.0.1:${port}`;
  child = spawn(process.execPath, [ENTRY], { env: { PATH: process.env.PATH, PORT: String(port) } });
  onLines(child, (line) => {
    output += `${line}\n`;
  });
  const isUp = (): boolean => {
    if (child.exitCode !== null) throw new Error(`it has ended:\n${output}`);
    return output.includes("first message on a client");
  };
  await vi.waitUntil(isUp, { timeout: 30_000 }).catch((cause) => {
    throw new Error(`it did not start:\n${output}`, { cause });
  });
  events = new EventBridgeClient({
    endpoint: `${url}/dev/aws`,
    region: "eu-west-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
});

afterAll(async () => {
  for (const client of clients) client.close();
  await endProcess(child);
});

/** A free port with a free one after it, where the managed edge is. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const first = await freePort();
    const next = createServer().listen(first + 1, "127.0.0.1");
    // It rejects with the server's error.
    const isFree = await once(next, "listening").then(
      () => true,
      () => false,
    );
    next.close();
    if (isFree) return first;
  }
}

async function tokenOf(user: string): Promise<string> {
  const { token } = (await (await fetch(`${url}/dev/token?sub=${user}`)).json()) as { token: string };
  return token;
}

async function connect(user?: string): Promise<TestClient> {
  const client = await connectClient(url, user === undefined ? {} : { token: await tokenOf(user) });
  clients.push(client);
  return client;
}

const put = (...entries: readonly Example[]) =>
  events.send(
    new PutEventsCommand({ Entries: entries.map((entry) => ({ ...entry, Detail: JSON.stringify(entry.Detail) })) }),
  );

const aws = (body: string, target = "AWSEvents.PutEvents") =>
  fetch(`${url}/dev/aws`, { method: "POST", body, headers: { "x-amz-target": target } });

describe("npm start", () => {
  it("says where to connect, with a token and a client to paste", () => {
    expect(output).toContain(`http://localhost:${port}/ws`);
    expect(output).toMatch(/ey[\w-]+\.ey[\w-]+\.[\w-]+/);
    expect(output).toContain('import { io } from "socket.io-client"');
    expect(output).not.toMatch(/^!/m);
  });

  it("feeds every channel of a signed-in user", async () => {
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    for (const channel of channelNames) {
      for (const client of [alice, bob]) await client.ask("subscribe", { channel });
    }
    for (const channel of channelNames) {
      await expect.poll(() => alice.of(channel).length + bob.of(channel).length).toBeGreaterThan(0);
    }
  });

  it("serves the managed edge on the next port", async () => {
    const client = await connectEdgeClient(`ws://127.0.0.1:${port + 1}/local`, { token: await tokenOf("edge-user") });
    await client.ask("subscribe", { channel: "market:prices" });
    await client.ask("subscribe", { channel: "user:orders" });
    await expect.poll(() => client.of("market:prices").length).toBeGreaterThan(10);
    const order = examples.find(({ DetailType }) => DetailType === "OrderChanged");
    if (!order) throw new Error("contract/examples has no OrderChanged");
    await put({ ...order, Detail: { ...order.Detail, userId: "edge-user" } });
    await expect.poll(() => client.of("user:orders")).toHaveLength(1);
    client.close();
  });

  it.each(examples.map((example) => [example.DetailType, example] as const))(
    "%s: the contract's example, put with the AWS SDK, reaches a client",
    async (_name, example) => {
      const { channel, key, data } = toMessage(example);
      const user = `user-${example.DetailType}`;
      const client = await connect(user);
      const marketId = channel.startsWith("market:") ? { marketId: key } : {};
      await client.ask("subscribe", { channel, ...marketId });
      const own = channel.startsWith("user:") ? { ...example, Detail: { ...example.Detail, userId: user } } : example;
      const { FailedEntryCount, Entries } = await put(own);
      expect(FailedEntryCount).toBe(0);
      expect(Entries?.[0]?.EventId).toMatch(/^[0-9a-f-]{36}$/);
      await expect.poll(() => client.of(channel).map((message) => message.data)).toContainEqual(data);
    },
  );
});

describe("the event bus", () => {
  it("takes the example as curl sends it, with an object for a detail", async () => {
    const answer = await aws(JSON.stringify({ Entries: [examples[0]] }));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ FailedEntryCount: 0 });
  });

  it("answers for each entry as AWS does", async () => {
    const [good] = examples;
    const entries = [good, { ...good, Detail: "no json" }, { ...good, Detail: "[1]" }, { ...good, Source: undefined }];
    const answer = (await (await aws(JSON.stringify({ Entries: entries }))).json()) as { Entries: object[] };
    expect(answer).toMatchObject({
      FailedEntryCount: 3,
      Entries: [
        { EventId: expect.any(String) },
        { ErrorCode: "MalformedDetail" },
        { ErrorCode: "MalformedDetail" },
        { ErrorCode: "InvalidArgument" },
      ],
    });
  });

  it.each([
    ["another operation", '{"Entries":[]}', "AWSEvents.ListRules", "UnknownOperationException"],
    ["no JSON", "{", undefined, "SerializationException"],
    ["no entries", '{"Entries":[]}', undefined, "ValidationException"],
    ["eleven entries", JSON.stringify({ Entries: Array(11).fill(examples[0]) }), undefined, "ValidationException"],
    ["null", "null", undefined, "ValidationException"],
  ])("refuses %s", async (_name, body, target, type) => {
    const answer = await aws(body, target);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ __type: type });
  });

  it("refuses a request that is too large", async () => {
    expect((await aws("x".repeat(400_000))).status).toBe(413);
  });

  it("moves an event that no handler can use to the failure queue at the first attempt, and goes on", async () => {
    const poison = { Source: "vezta.orders", DetailType: "OrderChanged", Detail: { userId: "poisoned", id: 5.5 } };
    await put(poison, { Source: "somebody.else", DetailType: "Whatever", Detail: {} });
    await expect
      .poll(async () => (await fetch(`${url}/dev/failures`)).json())
      .toMatchObject({ failures: [{ domain: "orders", attempts: 1, error: expect.stringContaining("detail.id") }] });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe("bad requests to the development routes", () => {
  it.each(["/dev/token", "/dev/token?sub=", `/dev/token?sub=${"x".repeat(256)}`, "/dev/token?sub=a%00b"])(
    "%s is answered with 400",
    async (path) => expect((await fetch(url + path)).status).toBe(400),
  );

  it("an unknown one is answered with 404", async () => {
    expect((await fetch(`${url}/dev/unknown`)).status).toBe(404);
  });
});

describe("the end", () => {
  it("a second one on the same port says what to do", async () => {
    const second = spawn(process.execPath, [ENTRY], { env: { PATH: process.env.PATH, PORT: String(port) } });
    let text = "";
    onLines(second, (line) => {
      text += line;
    });
    await expect.poll(() => second.exitCode).toBe(1);
    expect(text).toContain("The port is taken");
  });

  it("a port that is none is named", async () => {
    const wrong = spawn(process.execPath, [ENTRY], { env: { PATH: process.env.PATH, PORT: "many" } });
    let text = "";
    onLines(wrong, (line) => {
      text += line;
    });
    await expect.poll(() => wrong.exitCode).toBe(1);
    expect(text).toContain("PORT");
  });

  it("Ctrl-C ends everything that it started, with 0", async () => {
    const children = spawn("ps", ["-o", "pid=", "--ppid", String(child.pid)]);
    let pids = "";
    children.stdout.on("data", (chunk: Buffer) => {
      pids += chunk;
    });
    await expect.poll(() => children.exitCode).toBe(0);
    const started = pids.trim().split(/\s+/).map(Number);
    expect(started.length).toBeGreaterThanOrEqual(4);
    expect(await endProcess(child, "SIGINT")).toBe(0);
    const isAlive = (pid: number): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    expect(started.filter(isAlive)).toEqual([]);
  });
});
