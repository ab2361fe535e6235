import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import type { LocalPlatform } from "../../local/platform.ts";
import { startQuietPlatform } from "../../local/quiet-platform.ts";
import { type VeztaRun, vezta } from "../support/vezta.ts";

const folder = mkdtempSync(join(tmpdir(), "vezta-smoke-"));
let platform: LocalPlatform;
let url: string;
let events: string;

beforeAll(async () => {
  platform = await startQuietPlatform();
  url = `http://127.0.0.1:${platform.port}`;
  events = `${url}/dev/aws`;
});

afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

const smoke = (options: readonly string[], token?: string): Promise<VeztaRun> =>
  vezta(["smoke", ...options], { environment: token === undefined ? {} : { VEZTA_TOKEN: token } });

interface Step {
  readonly name: string;
  readonly outcome: string;
  readonly detail: string;
}

const stepsOf = ({ stdout }: VeztaRun): Step[] => JSON.parse(stdout).steps;
const outcomesOf = (run: VeztaRun): string[] => stepsOf(run).map(({ outcome }) => outcome);

describe("vezta smoke", () => {
  it("connects, subscribes, publishes and receives, anonymously", async () => {
    const run = await smoke(["--url", url, "--events-endpoint", events]);

    expect(run.stdout.split("\n").filter(Boolean)).toEqual([
      expect.stringMatching(/^✔ connect .*anonymously$/),
      expect.stringMatching(/^✔ subscribe .*market:trades$/),
      expect.stringMatching(/^✔ publish .*TradeExecuted on the local bus$/),
      expect.stringMatching(/^✔ receive .*arrived as \d+-\d+$/),
    ]);
    expect(run.code).toBe(0);
  });

  it.each(["the environment", "a file"])("takes a token from %s, and sends to its user alone", async (from) => {
    const token = await platform.issuer.sign({ sub: "smoke-user" });
    const file = join(folder, "token");
    writeFileSync(file, `${token}\n`);
    const options = ["--url", url, "--events-endpoint", events, "--json"];

    const run = from === "a file" ? await smoke([...options, "--token-file", file]) : await smoke(options, token);

    expect(outcomesOf(run)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(stepsOf(run)[1]?.detail).toBe("user:notifications");
    expect(run.stdout).not.toContain(token);
    expect(run.code).toBe(0);
  });

  it.each([undefined, "smoke-user"])("does the same on the managed edge, as %s", async (sub) => {
    const token = sub === undefined ? undefined : await platform.issuer.sign({ sub });
    const options = ["--url", `ws://127.0.0.1:${platform.edgePort}`, "--events-endpoint", events, "--json"];

    const run = await smoke(options, token);

    expect(outcomesOf(run)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(stepsOf(run)[0]?.detail).toMatch(/^WebSocket of the managed edge, (anonymously|with a token)$/);
    expect(run.code).toBe(0);
  });

  it("fails on the managed edge with a token that is not valid", async () => {
    const run = await smoke(["--url", `ws://127.0.0.1:${platform.edgePort}`, "--json"], "not-a-token");

    expect(stepsOf(run)[0]).toMatchObject({ outcome: "failed", detail: expect.stringContaining("invalid token") });
    expect(run.code).toBe(1);
  });

  it("reports the skipped steps if it knows no bus", async () => {
    const [gateway] = platform.fleet.gateways;
    const run = await smoke(["--url", String(gateway?.url), "--json"]);

    expect(outcomesOf(run)).toEqual(["ok", "ok", "skipped", "skipped"]);
    expect(run.code).toBe(0);
  });

  it("fails with the endpoint's own reason for a token that is not valid", async () => {
    const run = await smoke(["--url", url, "--json"], "not-a-token");

    expect(stepsOf(run)[0]).toMatchObject({ outcome: "failed", detail: expect.stringContaining("token_invalid") });
    expect(outcomesOf(run)).toEqual(["failed", "skipped", "skipped", "skipped"]);
    expect(run.code).toBe(1);
  });

  it("fails if nothing listens", async () => {
    const run = await smoke(["--url", `http://127.0.0.1:${await freePort()}`, "--json"]);

    expect(stepsOf(run)[0]).toMatchObject({ outcome: "failed", detail: expect.stringContaining("ECONNREFUSED") });
    expect(run.code).toBe(1);
  });

  it("fails if the event is accepted and never arrives", async () => {
    const lost = createServer((request, response) => {
      request.resume();
      response.end(JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: "1" }] }));
    });
    const port = await freePort();
    await new Promise<void>((listening) => lost.listen(port, "127.0.0.1", listening));

    const run = await smoke([
      "--url",
      url,
      "--events-endpoint",
      `http://127.0.0.1:${port}`,
      "--timeout",
      "1",
      "--json",
    ]);
    lost.close();

    expect(outcomesOf(run)).toEqual(["ok", "ok", "ok", "failed"]);
    expect(stepsOf(run)[3]?.detail).toBe("did not arrive within 1 s");
    expect(run.code).toBe(1);
  });

  it("fails if the bus refuses the event", async () => {
    const run = await smoke(["--url", url, "--events-endpoint", `${url}/dev/nothing`, "--json"]);

    expect(outcomesOf(run)).toEqual(["ok", "ok", "failed", "skipped"]);
  });

  it.each([
    ["another scheme", ["--url", "ftp://a"], "It must be a URL of http, https, ws, wss."],
    ["both buses", ["--url", "http://a", "--bus", "b", "--events-endpoint", "http://c"], "not both"],
    ["a token on the command line", ["--url", "http://a", "--token", "secret"], "unknown option '--token'"],
    ["a file that is not there", ["--url", "http://a", "--token-file", "/no/such/file"], "ENOENT"],
  ])("refuses %s", async (_name, options, reason) => {
    const run = await smoke(options);

    expect(run.code).toBe(2);
    expect(run.stderr).toContain(reason);
  });
});
