import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

/** Enough that the gateway compresses what goes to all of them. */
const OTHERS = 60;

let platform: Platform;
let browser: Browser;
beforeAll(async () => {
  [platform, browser] = await Promise.all([startPlatform({ gateways: 1 }), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await platform.stop();
});

/** Runs in the page: what a Socket.IO client does on the wire, on the browser's own WebSocket. */
function listen(url: string): Promise<string> {
  const ids: string[] = [];
  Object.assign(globalThis, { ids });
  const socket = new WebSocket(url);
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error("no connection"));
    socket.onmessage = ({ data }) => {
      const text = String(data);
      if (text === "2") socket.send("3");
      if (text.startsWith("0")) socket.send("40/ws,");
      if (text.startsWith("40")) socket.send('42/ws,["subscribe",{"channel":"market:trades","marketId":"packed"}]');
      if (text.startsWith('42/ws,["subscribed"')) resolve(socket.extensions);
      if (text.startsWith('42/ws,["data"')) ids.push(JSON.parse(text.slice(6))[1].id);
    };
  });
}

describe("Chromium", () => {
  it("reads messages that the gateway compressed once for all clients", async () => {
    const others = await Promise.all(Array.from({ length: OTHERS }, () => platform.connect()));
    for (const other of others) await other.ask("subscribe", { channel: "market:trades", marketId: "packed" });
    const page = await browser.newPage();
    const gateway = String(platform.gateways[0]?.url);
    await page.goto(`${gateway}/healthz`);
    const url = `${gateway.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
    expect(await page.evaluate(listen, url)).toContain("permessage-deflate");
    const before = Number(await platform.gateways[0]?.metric("rt_sent_bytes_total"));

    const ids: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const batch = Array.from({ length: 10 }, (_, index) => message("market:trades", "packed", round * 10 + index));
      ids.push(...(await platform.publish(batch)));
    }

    const seen = () => page.evaluate(() => (globalThis as unknown as { ids: string[] }).ids);
    await expect.poll(seen).toEqual(ids);
    for (const other of others) await expect.poll(() => other.ids("market:trades")).toEqual(ids);
    const sent = Number(await platform.gateways[0]?.metric("rt_sent_bytes_total")) - before;
    const plain = (OTHERS + 1) * ids.length * JSON.stringify(others[0]?.messages[0]).length;
    expect(sent).toBeLessThan(plain / 4);
  });
});
