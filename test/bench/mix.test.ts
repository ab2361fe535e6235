import { describe, expect, it } from "vitest";
import type { BenchMessage } from "../../bench/fan-out/message.ts";
import { channelOf, contentOf } from "../../bench/fan-out/message.ts";
import { createMix, TICKS_PER_SECOND } from "../../bench/fan-out/mix.ts";
import { parseRoom } from "../../bench/fan-out/rooms.ts";
import { membersByRoom, topologies } from "../../bench/fan-out/topologies.ts";
import { channelNames, channels } from "../../contract/channels.ts";

const options = { markets: 20, dashboards: 10, pages: 20, users: 10 };

function messagesOf(seconds: number, isWarmUp = false): BenchMessage[] {
  const eventOf = createMix(options).events(isWarmUp);
  return Array.from({ length: seconds * TICKS_PER_SECOND }, (_, number) => eventOf(number, number)).flat();
}

const channelsOf = (messages: readonly BenchMessage[]) => new Set(messages.map(({ carries }) => channelOf(carries)));

describe("mixed traffic", () => {
  const minute = messagesOf(60);

  it("is the same at each run, message by message", () => {
    expect(messagesOf(60)).toEqual(minute);
  });

  it("has messages on all channels, in the form of their schemas", () => {
    expect(channelsOf(minute)).toEqual(new Set(channelNames));
    for (const message of minute.filter((_, index) => index % 20 === 0)) {
      const { payload } = channels[channelOf(message.carries)];
      expect(payload.safeParse(contentOf(message).data).error).toBeUndefined();
    }
  });

  it("is mostly of few markets", () => {
    const of = (key: string): number => minute.filter((message) => message.key === key).length;

    expect(of("m00")).toBeGreaterThan(2 * of("m19"));
    expect(of("m19")).toBeGreaterThan(0);
  });

  it("brings every stream two first values where servers are to warm up", () => {
    const first = messagesOf(4, true);

    const rooms = new Set(first.flatMap((message) => message.rooms));
    const times = Map.groupBy(first, ({ carries, key }) => `${carries} ${key}`);
    expect(createMix(options).rooms.filter((room) => !rooms.has(room))).toEqual([]);
    expect(Math.min(...[...times.values()].map((messages) => messages.length))).toBe(2);
  });
});

describe("the clients of an application", () => {
  const { clients, roomsOf } = topologies.application;
  const kindsOf = (client: number): Set<string | undefined> =>
    new Set(roomsOf(client).map((room) => parseRoom(room).kind));

  it("look at all markets, at five of them, or are signed in", () => {
    const [user, page, dashboard] = [0, 120, clients - 1];

    expect(roomsOf(user)).toHaveLength(4 + 1 + 3 * 5);
    expect(kindsOf(user)).toContain("copy-trade");
    expect(roomsOf(page)).toHaveLength(3 * 5);
    expect(roomsOf(dashboard)).toEqual(["price/", "signal/"]);
  });

  it("are mostly at the first markets", () => {
    const members = membersByRoom(topologies.application);

    expect(members.get("price/")).toBe(240);
    expect(members.get("trade/m00")).toBeGreaterThan(2 * (members.get("trade/m49") ?? 0));
  });
});
