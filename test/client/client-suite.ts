import type { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { channels } from "../../contract/channels.ts";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import { message, messages } from "../support/messages.ts";
import type { Platform } from "../support/platform.ts";
import { type GatewayOptions, setUpClients, untilLive } from "./set-up.ts";
import { watch } from "./watch.ts";

/** A running edge to connect to. */
export interface Edge {
  readonly platform: Pick<Platform, "publish" | "issuer">;
  readonly port: number;
  /** Returns the URL of the edge on a port that forwards to it. */
  readonly urlOn: (port: number) => string;
  stop(): Promise<void>;
}

/** Defines the tests of the client that hold on either edge. */
export function clientSuite(name: string, start: () => Promise<Edge>): void {
  describe(`a client on the ${name} edge`, () => {
    let edge: Edge;
    let link: LinkProxy;
    beforeAll(async () => {
      edge = await start();
      link = await openLinkProxy();
      link.setTarget(edge.port);
    });
    const create = setUpClients();
    afterEach(() => link.heal());
    afterAll(async () => {
      await link.close();
      await edge.stop();
    });

    const connect = ({ user, ...options }: GatewayOptions = {}): RealtimeClient => {
      const token = user === undefined ? null : () => edge.platform.issuer.sign({ sub: user });
      return create({ url: edge.urlOn(link.port), token, pingIntervalMs: 2_000, ...options });
    };

    /** Resets every connection, and lets new ones through. */
    const cut = (): void => {
      link.cut();
      link.heal();
    };

    it("delivers every message once and in order, whenever the connection is cut", async () => {
      const client = connect({ user: "cut" });
      const seen = watch(client, "user:orders");
      await untilLive(seen);
      const ids: string[] = [];
      for (let turn = 0; turn < 10; turn += 1) {
        ids.push(...(await edge.platform.publish(messages("user:orders", "cut", 20, 1 + turn * 40))));
        cut();
        ids.push(...(await edge.platform.publish(messages("user:orders", "cut", 20, 21 + turn * 40))));
      }
      await expect.poll(seen.ids).toEqual(ids);
      expect(seen.gaps).toEqual([]);
    });

    it("reports the status of the connection and of a subscription", async () => {
      const client = connect();
      const statuses: string[] = [];
      client.onStatus((status) => statuses.push(status));
      const seen = watch(client, "market:prices", { marketId: "status" });
      expect([client.status, seen.subscription.status]).toEqual(["disconnected", "subscribing"]);
      await untilLive(seen);
      cut();
      await expect.poll(() => seen.statuses).toEqual(["live", "resuming", "live"]);
      expect(statuses).toEqual(["connecting", "connected", "connecting", "connected"]);
      client.pause();
      expect([client.status, seen.subscription.status]).toEqual(["disconnected", "resuming"]);
    });

    it("resumes after a pause", async () => {
      const client = connect({ user: "pause" });
      const seen = watch(client, "user:notifications");
      await untilLive(seen);
      client.pause();
      const ids = await edge.platform.publish(messages("user:notifications", "pause", 30));
      client.resume();
      await expect.poll(seen.ids).toEqual(ids);
    });

    it("separates users, also when another one takes over the connection", async () => {
      let user = "first";
      const client = connect({ token: () => edge.platform.issuer.sign({ sub: user }) });
      const other = connect({ user: "second" });
      const [mine, theirs] = [watch(client, "user:orders"), watch(other, "user:orders")];
      await untilLive(mine, theirs);
      const first = await edge.platform.publish(messages("user:orders", "first", 5));
      const second = await edge.platform.publish(messages("user:orders", "second", 5));
      await expect.poll(() => [mine.ids(), theirs.ids()]).toEqual([first, second]);
      user = "second";
      await client.authenticate();
      await untilLive(mine);
      await edge.platform.publish(messages("user:orders", "first", 5, 6));
      const more = await edge.platform.publish(messages("user:orders", "second", 5, 6));
      await expect
        .poll(() => [mine.ids(), theirs.ids()])
        .toEqual([
          [...first, ...more],
          [...second, ...more],
        ]);
    });

    it("starts after any id, and reports a gap where the service no longer holds messages", async () => {
      const { entries } = channels["market:trades"].history;
      const old = await edge.platform.publish(messages("market:trades", "history", 10));
      const client = connect();
      const all = watch(client, "market:trades", { marketId: "history", lastId: "0-0" });
      await expect.poll(all.ids).toEqual(old);
      const late = watch(client, "market:trades", { marketId: "history", lastId: String(old[6]) });
      const now = watch(client, "market:trades", { marketId: "history" });
      await expect.poll(late.ids).toEqual(old.slice(7));
      expect([now.ids(), all.ids()]).toEqual([[], old]);
      client.pause();
      const missed = await edge.platform.publish(messages("market:trades", "history", entries + 20, 11));
      client.resume();
      await expect.poll(() => now.messages.length).toBe(entries);
      expect(now.ids()).toEqual(missed.slice(20));
      expect(now.gaps).toEqual([{ channel: "market:trades", marketId: "history", after: old[9] }]);
      expect(all.ids()).toEqual([...old, ...missed.slice(20)]);
    });

    it("follows a whole channel, through reconnections and with new markets", async () => {
      const client = connect();
      await edge.platform.publish([message("market:trades", "whole-a", 1)]);
      const seen = watch(client, "market:trades");
      await untilLive(seen);
      const of = (marketId: string) => seen.messages.filter((each) => each.marketId === marketId).map(({ id }) => id);
      const a = await edge.platform.publish(messages("market:trades", "whole-a", 5, 2));
      client.pause();
      a.push(...(await edge.platform.publish(messages("market:trades", "whole-a", 5, 7))));
      const b = await edge.platform.publish(messages("market:trades", "whole-b", 5));
      client.resume();
      await expect.poll(() => [of("whole-a"), of("whole-b")]).toEqual([a, b]);
    });

    it("gives a receiver that joins a subscription to a latest channel the last value immediately", async () => {
      const client = connect();
      const [id] = await edge.platform.publish([message("market:orderbook", "joined", 1)]);
      const first = watch(client, "market:orderbook", { marketId: "joined" });
      await expect.poll(first.ids).toEqual([id]);
      const second = watch(client, "market:orderbook", { marketId: "joined" });
      expect(second.ids()).toEqual([id]);
      expect(second.subscription.status).toBe("live");
      first.subscription.close();
      const [next] = await edge.platform.publish([message("market:orderbook", "joined", 2)]);
      await expect.poll(second.ids).toEqual([id, next]);
      expect(first.ids()).toEqual([id]);
    });

    it("has an error on a private channel without a token, and recovers after a login", async () => {
      let token: string | null = null;
      const client = connect({ token: () => token });
      const [orders, prices] = [watch(client, "user:orders"), watch(client, "market:prices", { marketId: "login" })];
      await expect.poll(() => [orders.subscription.status, prices.subscription.status]).toEqual(["error", "live"]);
      expect(orders.errors.map(({ code }) => code)).toEqual(["unauthorized"]);
      token = await edge.platform.issuer.sign({ sub: "login" });
      await client.authenticate();
      await untilLive(orders);
      const ids = await edge.platform.publish(messages("user:orders", "login", 3));
      await expect.poll(orders.ids).toEqual(ids);
    });

    it("renews the token in place before it expires", async () => {
      let asked = 0;
      const sign = () => {
        asked += 1;
        return edge.platform.issuer.sign({ sub: "renewal", expiresInSeconds: 3 });
      };
      const client = connect({ token: sign });
      const statuses: string[] = [];
      const seen = watch(client, "user:orders");
      await untilLive(seen);
      client.onStatus((status) => statuses.push(status));
      await expect.poll(() => asked).toBeGreaterThanOrEqual(4);
      const ids = await edge.platform.publish(messages("user:orders", "renewal", 3));
      await expect.poll(seen.ids).toEqual(ids);
      expect([statuses, seen.statuses, seen.errors]).toEqual([[], ["live"], []]);
    });

    it("fetches a new token when the service refuses an expired one", async () => {
      const tokens = [await edge.platform.issuer.sign({ sub: "expired", expiresInSeconds: -60 })];
      const client = connect({ token: () => tokens.shift() ?? edge.platform.issuer.sign({ sub: "expired" }) });
      const seen = watch(client, "user:orders");
      await untilLive(seen);
      expect(tokens).toEqual([]);
    });

    it("has the public channels when its token is refused", async () => {
      const client = connect({ token: "no-token-at-all" });
      const [orders, prices] = [watch(client, "user:orders"), watch(client, "market:prices", { marketId: "refused" })];
      await expect.poll(() => [orders.subscription.status, prices.subscription.status]).toEqual(["error", "live"]);
    });

    it("iterates over messages until the loop or the signal ends", async () => {
      const client = connect();
      const abort = new AbortController();
      const ids: string[] = [];
      const reading = (async () => {
        for await (const { id } of client.messages("market:trades", { marketId: "loop", signal: abort.signal })) {
          ids.push(id);
        }
      })();
      const seen = watch(client, "market:trades", { marketId: "loop" });
      await untilLive(seen);
      const published = await edge.platform.publish(messages("market:trades", "loop", 5));
      await expect.poll(() => ids).toEqual(published);
      abort.abort();
      await reading;
      const read = async (): Promise<void> => {
        for await (const _ of client.messages("user:orders")) throw new Error("an anonymous user has no orders");
      };
      await expect(read()).rejects.toMatchObject({ code: "unauthorized" });
    });

    it("delivers at most maxRate values per second of a latest channel, and the newest in the end", async () => {
      const client = connect();
      const [slow, all] = [
        watch(client, "market:prices", { marketId: "rate", maxRate: 2 }),
        watch(client, "market:prices", { marketId: "rate" }),
      ];
      await untilLive(slow, all);
      const start = Date.now();
      let last: string | undefined;
      for (let number = 1; number <= 20; number += 1) {
        [last] = await edge.platform.publish([message("market:prices", "rate", number)]);
        await expect.poll(() => all.ids().at(-1)).toBe(last);
      }
      await expect.poll(() => slow.ids().at(-1)).toBe(last);
      // The first, and two per second of the time that this took, however long that is. Timers may fire a little early.
      const intervals = Math.floor((Date.now() - start + 50) / 500);
      expect(slow.messages.length).toBeLessThanOrEqual(1 + intervals);
    });

    it("calls no listener after close", async () => {
      const client = connect();
      const seen = watch(client, "market:prices", { marketId: "closed" });
      await untilLive(seen);
      client.close();
      await edge.platform.publish([message("market:prices", "closed", 1)]);
      const other = watch(connect(), "market:prices", { marketId: "closed" });
      await expect.poll(() => other.messages.length).toBe(1);
      expect([client.status, seen.ids(), seen.statuses]).toEqual(["disconnected", [], ["live"]]);
      expect(() => watch(client, "market:prices")).toThrow("the client is closed");
    });
  });
}
