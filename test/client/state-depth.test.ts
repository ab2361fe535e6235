import { describe, expect, it } from "vitest";
import type { Depth } from "../../contract/limits.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { follow, newestOf, setUpBooks } from "./book-server.ts";
import { untilLive } from "./set-up.ts";
import { StateService } from "./state-service.ts";
import { watch } from "./watch.ts";

const { send, setUp, subscribes } = setUpBooks();

describe("a client that follows some levels of an order book", () => {
  const levels = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`yes.bids.0.${500 - 3 * index}1`, "1"]));

  it("asks for enough levels for every receiver, and shows each receiver its own", async () => {
    const { client, book } = await setUp([new StateService("m1", levels(30))]);
    const [few, more] = [
      watch(client, "market:orderbook", { marketId: "m1", depth: 5 }),
      await follow(client, { depth: 20 }),
    ];
    expect(subscribes()).toEqual([{ channel: "market:orderbook", marketId: "m1", changes: true, depth: 20 }]);
    expect([few, more].map((each) => newestOf(each)?.yes.bids.length)).toEqual([5, 20]);
    const far = book.value.yes.bids[12]?.price;
    book.publish({ [`yes.bids.${far}`]: "2" });
    send(book.newest(20));
    book.publish({ [`yes.bids.${book.value.yes.bids[2]?.price}`]: null });
    send(book.newest(20));
    await expect.poll(() => more.messages.length).toBe(3);
    expect(few.messages.map(({ changed }) => changed?.length)).toEqual([undefined, 2]);
    expect(newestOf(few)).toEqual(orderBookFormat.limit?.(book.value, 5));
    expect(newestOf(more)).toEqual(orderBookFormat.limit?.(book.value, 20));
    expect(newestOf(few)?.yes.asks).toBe(few.messages[0]?.data.yes.asks);
  });

  it("asks again where another depth is needed, and never mixes the rows of two views", async () => {
    const { client, book } = await setUp([new StateService("m1", levels(30))]);
    const few = await follow(client, { depth: 5 });
    book.publish({ [`yes.bids.${book.value.yes.bids[12]?.price}`]: "2" });
    const all = await follow(client);
    expect(newestOf(all)).toEqual(book.value);
    // A change of the view before, still on its way.
    book.publish({ [`yes.bids.${book.value.yes.bids[0]?.price}`]: "3" });
    send(book.newest(5));
    send(book.newest());
    await expect.poll(() => newestOf(all)).toEqual(book.value);
    await expect.poll(() => newestOf(few)).toEqual(orderBookFormat.limit?.(book.value, 5));
    all.subscription.close();
    await expect.poll(() => subscribes().at(-1)?.depth).toBe(5);
    await untilLive(few);
    const whole = watch(client, "market:orderbook");
    await expect
      .poll(
        () =>
          subscribes()
            .filter(({ marketId }) => marketId === "m1")
            .at(-1)?.depth,
      )
      .toBe(undefined);
    await untilLive(few, whole);
    whole.subscription.close();
    await expect.poll(() => subscribes().at(-1)?.depth).toBe(5);
    await untilLive(few);
    book.publish({ [`yes.bids.${book.value.yes.bids[0]?.price}`]: "4" });
    send(book.newest(5));
    await expect.poll(() => newestOf(few)).toEqual(orderBookFormat.limit?.(book.value, 5));
    expect(few.messages.map(({ changed }) => changed?.length)).toEqual([undefined, 1, 1]);
    expect([client.statistics.wrongStates, few.statuses]).toEqual([0, ["live"]]);
  });

  it.each([0, -1, 3, "all", Number.NaN])("refuses a depth of %s", async (depth) => {
    const { client } = await setUp([]);
    expect(() => watch(client, "market:orderbook", { marketId: "m1", depth: depth as Depth })).toThrow(
      new RangeError("depth must be one of 1, 5, 10, 20, 50, 100"),
    );
  });

  it("refuses a depth without a market, and on a channel without levels", async () => {
    const { client } = await setUp([]);
    expect(() => watch(client, "market:orderbook", { depth: 5 })).toThrow(/name a market/);
    expect(() => watch(client, "user:portfolio", { depth: 5 })).toThrow(/user:portfolio has no levels/);
  });
});
