import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { orderBookFormat as format } from "../../contract/state/order-book-format.ts";
import { setUpGateway, untilLive } from "./set-up.ts";
import { type Book, StateService, seeded, someRows } from "./state-service.ts";
import { watch } from "./watch.ts";

describe("a client that follows order books on the gateway", () => {
  const gateway = setUpGateway();
  const random = seeded(20_261_127);

  /** Publishes the next value of a book. */
  async function publish(book: StateService): Promise<void> {
    book.publish(someRows(book.value, random));
    const { marketId, value } = book;
    const message = { channel: "market:orderbook", key: marketId, eventId: randomUUID(), data: value } as const;
    await gateway.platform.publish([message]);
  }

  const withoutTime = (book: Book | undefined): object => ({ ...book, time: 0 });

  it("has every receiver's value of a market, of some levels of it, and of all markets, through disconnections", async () => {
    const client = gateway.connect();
    const books = ["sdk-a", "sdk-b"].map((marketId) => new StateService(marketId));
    for (const book of books) await publish(book);
    const [book] = books as [StateService];
    const one = watch(client, "market:orderbook", { marketId: "sdk-a" });
    const few = watch(gateway.connect(), "market:orderbook", { marketId: "sdk-a", depth: 1 });
    const all = watch(client, "market:orderbook");
    await untilLive(one, few, all);
    for (let round = 0; round < 40; round += 1) {
      for (const each of books) await publish(each);
      if (round % 15 === 14) client.reconnect();
    }
    await expect.poll(() => one.messages.at(-1)?.data).toEqual(book.value);
    await expect
      .poll(() => all.messages.findLast(({ marketId }) => marketId === "sdk-b")?.data)
      .toEqual(books[1]?.value);
    await expect.poll(() => withoutTime(few.messages.at(-1)?.data)).toEqual(withoutTime(format.limit?.(book.value, 1)));
    await untilLive(one, few, all);
    expect(client.statistics).toMatchObject({ wrongStates: 0 });
    const published = new Map([...book.published.values()].map((value) => [value.time, JSON.stringify(value)]));
    for (const { data } of one.messages) expect(JSON.stringify(data)).toBe(published.get(data.time));
    expect(one.messages.some(({ changed }) => changed?.length === 1)).toBe(true);
  });
});
