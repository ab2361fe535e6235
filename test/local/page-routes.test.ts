import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalPlatform } from "../../local/platform.ts";
import { startQuietPlatform } from "../../local/quiet-platform.ts";

let platform: LocalPlatform;

beforeAll(async () => {
  platform = await startQuietPlatform();
});
afterAll(() => platform?.stop());

const post = (path: string, body: string, type = "application/json") =>
  fetch(`http://127.0.0.1:${platform.port}/${path}`, { method: "POST", body, headers: { "content-type": type } });

describe("the routes behind the buttons of the page", () => {
  it.each([
    ["dev/orders", '{"user":"carol","marketId":"x","outcome":"yes","size":1}', 400, "user"],
    ["dev/orders", '{"user":"alice","marketId":"x","outcome":"yes","size":1}', 404, "no market x"],
    ["dev/orders", '{"user":"alice","marketId":"x","outcome":"maybe","size":1}', 400, "outcome"],
    ["dev/orders", '{"user":"alice","marketId":"x","outcome":"yes","size":0.5}', 400, "size"],
    ["dev/orders", "{", 400, "not JSON"],
    ["dev/gateways/restart", '{"gateway":"gateway-9"}', 409, "gateway-9"],
    ["dev/gateways/restart", '{"gateway":"gateway-1","how":"softly"}', 400, "how"],
    ["dev/connections/cut", '{"milliseconds":-1}', 400, "milliseconds"],
  ])("%s refuses %s", async (path, body, status, text) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(await answer.json())).toContain(text);
  });

  it("accept JSON only, so that no form of another site is accepted", async () => {
    expect((await post("dev/orders", "{}", "text/plain")).status).toBe(415);
    expect((await post("dev/orders", "x".repeat(5_000))).status).toBe(413);
    expect((await fetch(`http://127.0.0.1:${platform.port}/dev/orders`)).status).toBe(405);
  });
});

describe("the page", () => {
  const get = (path: string) => fetch(`http://127.0.0.1:${platform.port}${path}`);

  it("is served at the root, and its assets are immutable in caches", async () => {
    const page = await get("/");
    const html = await page.text();
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const [, script] = /src="(\/assets\/[^"]+)"/.exec(html) ?? [];
    expect((await get(String(script))).headers.get("cache-control")).toContain("immutable");
  });

  it("does not serve files outside its folder", async () => {
    for (const path of ["/..%2f..%2fpackage.json", "/main.tsx", "/assets/..%2f..%2fpackage.json"]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  });
});

describe("the fleet", () => {
  it("replaces a gateway that ended on its own", async () => {
    const [gateway] = platform.fleet.gateways;
    gateway?.process.kill("SIGKILL");
    await expect.poll(() => platform.fleet.describe()).toMatchObject([{ state: "ready", restarts: 1 }]);
    await expect.poll(() => platform.balancer.healthyTargets.length).toBe(1);
  });
});
