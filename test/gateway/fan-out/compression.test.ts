import type { Socket as NetSocket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { DataMessage } from "../../../contract/messages.ts";
import type { ClientOptions } from "../../support/client.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

const CLIENTS = 60;
const MESSAGES = 200;

const idsOf = ({ client }: Pair, marketId: string): string[] =>
  client.messages.filter((message) => message.marketId === marketId).map(({ id }) => id);

const upTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index + 1}-0`);

/** A size that looks like chance and is the same in every run. */
const sizeOf = (place: number): string => `${1_000 + ((place * 7_919) % 90_000)}.${10 + ((place * 31) % 90)}`;

/** The `number`th version of a market's book, one level changed from the version before. */
function book(marketId: string, number: number, levels = 100): DataMessage {
  const side = (offset: number) =>
    Array.from({ length: levels }, (_, level) => {
      const isChanged = offset === 0 && level === number % levels;
      return {
        price: `0.${String(4_000 + level).padStart(4, "0")}`,
        size: sizeOf(offset + level + (isChanged ? number * 1_000 : 0)),
      };
    });
  return {
    ...{ channel: "market:orderbook", marketId, id: `${number}-0`, prev: `${number - 1}-0` },
    data: {
      ...{ marketId, exchange: "kalshi", time: 1_790_000_000_000 + number * 53 },
      yes: { bids: side(0), asks: side(1_000) },
      no: { bids: side(2_000), asks: side(3_000) },
    } as never,
  };
}

const sizeOfMessage = (message: DataMessage): number => JSON.stringify(message).length;

describe("bundles compressed for all", () => {
  let harness: FanOutHarness;
  let writtenBytes = 0;
  beforeAll(async () => {
    harness = await startFanOut({ isCompressed: true, onFlush: ({ bytes }) => (writtenBytes += bytes) });
  });
  beforeEach(() => {
    writtenBytes = 0;
  });
  afterAll(() => harness.stop());

  const connect = (count: number, options: ClientOptions = {}): Promise<Pair[]> =>
    Promise.all(Array.from({ length: count }, () => harness.connect(undefined, undefined, options)));

  /** Connects clients of a room. */
  async function join(room: string, count: number, options: ClientOptions = {}): Promise<Pair[]> {
    const pairs = await connect(count, options);
    for (const { member } of pairs) harness.fanOut.join(member, room);
    return pairs;
  }

  async function send(rooms: readonly string[], first: number, last: number): Promise<void> {
    for (let number = first; number <= last; number += 1) {
      for (const room of rooms) harness.fanOut.send({ room }, { event: "data", message: entry(room, number) });
      if (number % 7 === 0) await nextTurn();
    }
  }

  /** Sends books one by one, each in a flush of its own, and resolves once these clients have them. */
  async function sendBooks(room: string, pairs: readonly Pair[], first: number, last: number): Promise<void> {
    for (let number = first; number <= last; number += 1) {
      harness.fanOut.send({ room }, { event: "data", message: book(room, number) });
      for (const pair of pairs) await expect.poll(() => idsOf(pair, room).at(-1)).toBe(`${number}-0`);
    }
  }

  /** Expects that a client's books are those that were sent, to the last byte. */
  function expectBooks({ client }: Pair, room: string, first: number, last: number): void {
    const numbers = upTo(last)
      .slice(first - 1)
      .map((_, index) => first + index);
    const books = client.messages.filter(({ marketId }) => marketId === room);
    expect(books).toEqual(numbers.map((number) => book(room, number)));
  }

  it("reach stock clients complete, whatever they got before and whoever shares their rooms", async () => {
    const pairs = await join("all", CLIENTS);
    // Two rooms with some clients in both, so that what they got last differs.
    for (const [index, { member }] of pairs.entries()) if (index >= 3) harness.fanOut.join(member, "most");
    await send(["all"], 1, 20);
    await send(["all", "most"], 21, MESSAGES);
    const [late] = await join("all", 1);
    await send(["all"], MESSAGES + 1, MESSAGES + 20);
    for (const [index, pair] of pairs.entries()) {
      await expect.poll(() => idsOf(pair, "all")).toEqual(upTo(MESSAGES + 20));
      const most = index >= 3 ? upTo(MESSAGES).slice(20) : [];
      await expect.poll(() => idsOf(pair, "most")).toEqual(most);
    }
    await expect.poll(() => idsOf(late as Pair, "all")).toEqual(upTo(MESSAGES + 20).slice(MESSAGES));
  });

  it("cost fewer bytes than they carry", async () => {
    const pairs = await join("size", CLIENTS);
    await send(["size"], 1, MESSAGES);
    for (const pair of pairs) await expect.poll(() => idsOf(pair, "size")).toEqual(upTo(MESSAGES));
    const plainBytes = CLIENTS * MESSAGES * sizeOfMessage(entry("size", 100));
    expect(writtenBytes).toBeLessThan(plainBytes / 4);
  });

  it("take at most 400 bytes for a book of 100 levels of which one has changed", async () => {
    const pairs = await join("books", CLIENTS);
    expect(sizeOfMessage(book("books", 1))).toBeGreaterThan(14_000);
    await sendBooks("books", pairs, 1, 2);
    writtenBytes = 0;
    await sendBooks("books", pairs, 3, 12);
    expect(writtenBytes / CLIENTS / 10).toBeLessThan(400);
    for (const pair of pairs) expectBooks(pair, "books", 1, 12);
  });

  it("take at most 120 bytes for a message of 190, in a room of 60", async () => {
    const pairs = await join("changes", CLIENTS);
    expect(sizeOfMessage(entry("changes", 1))).toBeLessThan(220);
    for (let number = 1; number <= 12; number += 1) {
      if (number === 3) writtenBytes = 0;
      await send(["changes"], number, number);
      for (const pair of pairs) await expect.poll(() => idsOf(pair, "changes").at(-1)).toBe(`${number}-0`);
    }
    expect(writtenBytes / CLIENTS / 10).toBeLessThan(120);
  });

  it("go to five clients where books are large, and not where messages are small", async () => {
    const few = await join("few", 5);
    await sendBooks("few", few, 1, 2);
    writtenBytes = 0;
    await sendBooks("few", few, 3, 4);
    expect(writtenBytes / 5 / 2).toBeLessThan(400);

    const small = await join("small", 5);
    writtenBytes = 0;
    await send(["small"], 1, 10);
    for (const pair of small) await expect.poll(() => idsOf(pair, "small")).toEqual(upTo(10));
    expect(writtenBytes).toBeGreaterThan(5 * 10 * sizeOfMessage(entry("small", 1)));
  });

  it("refer to a client's last book also where its other rooms had messages since", async () => {
    const pairs = await join("screen", CLIENTS);
    for (const { member } of pairs) harness.fanOut.join(member, "trades");
    for (let number = 1; number <= 6; number += 1) {
      await sendBooks("screen", pairs, number, number);
      await send(["trades"], number, number);
      if (number === 2) writtenBytes = 0;
    }
    for (const pair of pairs) await expect.poll(() => idsOf(pair, "trades")).toEqual(upTo(6));
    expect(writtenBytes / CLIENTS / 4).toBeLessThan(400 + 120);
    for (const pair of pairs) expectBooks(pair, "screen", 1, 6);
  });

  it("go on for the others where clients come and leave", async () => {
    const pairs = await join("coming", 10);
    await sendBooks("coming", pairs, 1, 3);
    const [first, ...rest] = pairs;
    harness.fanOut.leave((first as Pair).member, "coming");
    const late = await join("coming", 2);
    await sendBooks("coming", [...rest, ...late], 4, 6);
    harness.fanOut.join((first as Pair).member, "coming");
    writtenBytes = 0;
    await sendBooks("coming", [...pairs, ...late], 7, 7);
    // The one that came back has no newer book to refer to than the third.
    expect(writtenBytes).toBeLessThan(11 * 400 + 4_000);
    await sendBooks("coming", [...pairs, ...late], 8, 9);
    for (const pair of rest) expectBooks(pair, "coming", 1, 9);
    for (const pair of late) expectBooks(pair, "coming", 4, 9);
    expect(idsOf(first as Pair, "coming")).toEqual([...upTo(3), ...upTo(9).slice(6)]);
  });

  it("keep to the window that a client allows, and leave those without compression alone", async () => {
    const limits = [9, 10, 12, 14].map((serverMaxWindowBits) => ({ perMessageDeflate: { serverMaxWindowBits } }));
    const others = [
      { perMessageDeflate: { serverMaxWindowBits: 8 } },
      { perMessageDeflate: { serverNoContextTakeover: true } },
      { perMessageDeflate: false },
    ];
    const pairs = await join("limited", 10);
    for (const options of [...limits, ...others]) pairs.push(...(await join("limited", 1, options as never)));
    await sendBooks("limited", pairs, 1, 6);
    for (const pair of pairs) expectBooks(pair, "limited", 1, 6);
  });

  it("cost nothing where nobody takes them", async () => {
    const pairs = await join("plain", 5, { perMessageDeflate: false } as never);
    await sendBooks("plain", pairs, 1, 3);
    expect(writtenBytes).toBeGreaterThan(5 * 3 * 14_000);
    for (const pair of pairs) expectBooks(pair, "plain", 1, 3);
  });

  describe("with an answer", () => {
    const sendWhole = ({ member }: Pair, number: number): void => {
      void harness.fanOut.sendTo(member, [
        { event: "subscribed", message: { channel: "market:orderbook", id: "0-0" } },
        { event: "data", message: book("answer", number) },
      ]);
    };

    it("are compressed for the client, where they are large, between what it shares with others", async () => {
      const pairs = await join("answer", 5);
      await sendBooks("answer", pairs, 1, 2);
      const [first] = pairs as [Pair];
      writtenBytes = 0;
      sendWhole(first, 3);
      await sendBooks("answer", pairs.slice(1), 4, 4);
      await expect.poll(() => idsOf(first, "answer")).toEqual(upTo(4));
      expect(writtenBytes).toBeLessThan(sizeOfMessage(book("answer", 3)));
      await sendBooks("answer", pairs, 5, 6);
      expectBooks(first, "answer", 1, 6);
    });

    it("are plain where they are small, or the client takes none that are compressed", async () => {
      const [small] = await join("answer of trades", 1);
      const [plain] = await join("answer plain", 1, { perMessageDeflate: false } as never);
      const frames: Buffer[] = [];
      for (const { socket } of [small, plain] as Pair[]) {
        const { _socket: tcp } = (socket.conn.transport as unknown as { socket: { _socket: NetSocket } }).socket;
        vi.spyOn(tcp, "write").mockImplementation((bytes) => frames.push(bytes as Buffer) > 0);
      }
      void harness.fanOut.sendTo((small as Pair).member, [{ event: "data", message: entry("answer of trades", 1) }]);
      void harness.fanOut.sendTo((plain as Pair).member, [{ event: "data", message: book("answer plain", 1) }]);
      expect(frames).toHaveLength(2);
      // Bit 1 of a frame's head, RSV1, says that it is compressed.
      for (const frame of frames) expect((frame[0] ?? 0) & 0x40).toBe(0);
      vi.restoreAllMocks();
    });
  });

  it("reach the members of a lane", async () => {
    const pairs = await connect(10);
    for (const { member } of pairs) harness.fanOut.join(member, "lane", 50);
    // The first bundle of a lane goes to each newcomer for itself.
    await sendBooks("lane", pairs, 1, 3);
    writtenBytes = 0;
    await sendBooks("lane", pairs, 4, 6);
    expect(writtenBytes / 10 / 3).toBeLessThan(400);
    for (const pair of pairs) expectBooks(pair, "lane", 1, 6);
  });
});

describe("the memory of what was compressed", () => {
  it("is bounded over all rooms, and rooms whose messages fell out of it begin anew", async () => {
    let writtenBytes = 0;
    const limit = 100_000;
    const harness = await startFanOut({
      ...{ isCompressed: true, compressionMemoryBytes: limit },
      onFlush: ({ bytes }) => (writtenBytes += bytes),
    });
    const rooms = Array.from({ length: 12 }, (_, index) => `room ${index}`);
    const pairs = await Promise.all(rooms.map(() => harness.connect()));
    for (const [index, { member }] of pairs.entries()) harness.fanOut.join(member, rooms[index] ?? "");

    /** Sends the next book to some of the rooms. Returns the bytes a delivery. */
    async function round(number: number, count: number): Promise<number> {
      writtenBytes = 0;
      for (const [index, pair] of pairs.slice(0, count).entries()) {
        const room = rooms[index] ?? "";
        harness.fanOut.send({ room }, { event: "data", message: book(room, number) });
        await expect.poll(() => pair.client.messages.at(-1)).toEqual(book(room, number));
        expect(harness.fanOut.compressionMemoryBytes).toBeLessThanOrEqual(limit);
      }
      return writtenBytes / count;
    }

    await round(1, 12);
    expect(harness.fanOut.compressionMemoryBytes).toBeGreaterThan(limit - 15_000);
    // 12 books are more than there is room for: each had to go before its room's next one came.
    expect(await round(2, 12)).toBeGreaterThan(1_000);
    // Three fit.
    await round(3, 3);
    expect(await round(4, 3)).toBeLessThan(400);
    await harness.stop();
  });
});
