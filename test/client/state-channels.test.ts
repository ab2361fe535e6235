import { describe, expect, it } from "vitest";
import { portfolioFormat } from "../../contract/state/portfolio-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import { answerForBooks, follow, newestOf, setUpBooks } from "./book-server.ts";
import { answerPlainly } from "./frame-server.ts";
import { untilLive } from "./set-up.ts";
import { StateService } from "./state-service.ts";
import { watch } from "./watch.ts";

const { create, newestPeer, send, setUp, subscribes } = setUpBooks();

describe("a client that follows an order book", () => {
  it("asks for changes, and shows whole values in which what did not change is the same object", async () => {
    const { client, book } = await setUp([new StateService("m1")]);
    const seen = await follow(client);
    watch(client, "market:prices", { marketId: "m1" });
    book.publish({ "yes.bids.0.41": "5" });
    send(book.newest());
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    const [first, second] = seen.messages;
    expect(subscribes()).toEqual([
      { channel: "market:orderbook", marketId: "m1", changes: true },
      { channel: "market:prices", marketId: "m1" },
    ]);
    expect([first?.changed, second?.changed]).toEqual([undefined, ["yes.bids.0.41"]]);
    expect(second).not.toHaveProperty("sum");
    expect(second?.data.yes.asks).toBe(first?.data.yes.asks);
    expect(second?.data.no).toBe(first?.data.no);
    expect(second?.data.yes.bids[1]).toBe(first?.data.yes.bids[0]);
  });

  it.each([
    ["a wrong sum", (event: object) => ({ ...event, sum: 1 })],
    [
      "a row of the wrong form",
      (event: object) => ({ ...event, changes: { head: {}, rows: { "yes.bids.0.410": "5" } } }),
    ],
    ["no changes in it", (event: object) => ({ ...event, changes: null })],
    ["an id of the wrong form", (event: object) => ({ ...event, id: "new" })],
  ])("repairs a message with %s, and shows nothing wrong meanwhile", async (_, forge) => {
    const errors: Error[] = [];
    const book = new StateService("m1");
    const { server } = await setUp([book]);
    const client = create({ url: server.url, onError: (error) => errors.push(error) });
    const seen = await follow(client);
    book.publish({ "yes.bids.0.41": "5" });
    send(forge(book.newest()));
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    await untilLive(seen);
    expect(subscribes().slice(1)).toEqual([{ channel: "market:orderbook", marketId: "m1", changes: true }]);
    expect(seen.messages.map(({ data }) => data)).toEqual(book.values.map(({ value }) => value));
    expect(seen.messages[1]?.data.yes.asks).toBe(seen.messages[0]?.data.yes.asks);
    expect(seen.statuses).toEqual(["live", "resuming", "live"]);
    expect([client.statistics, errors, seen.gaps]).toMatchObject([{ wrongStates: 1 }, [], []]);
  });

  it("asks for the whole value where changes come before it", async () => {
    const book = new StateService("m1");
    let answered = 0;
    const { client } = await setUp([book], (books, peer, request) => {
      if (request.event === "subscribe") answered += 1;
      if (answered !== 1 || request.event !== "subscribe") {
        answerForBooks(books, peer, request);
        return;
      }
      answerPlainly(peer, request);
      book.publish({ "yes.bids.0.41": "5" });
      peer.send("data", book.newest());
    });
    const seen = watch(client, "market:orderbook", { marketId: "m1", lastId: book.id });
    await expect.poll(() => newestOf(seen)?.time).toBe(book.value.time + 1);
    expect(newestOf(seen)).toEqual(book.value);
    await untilLive(seen);
    expect(subscribes().map(({ lastId }) => lastId)).toEqual([undefined, undefined]);
    expect(client.statistics).toMatchObject({ wrongStates: 0 });
  });

  it("resumes by id what it has, with one change for all that it missed", async () => {
    const { client, book } = await setUp([new StateService("m1")]);
    const seen = await follow(client);
    const before = book.id;
    newestPeer().socket.terminate();
    book.publish({ "yes.bids.0.41": "5" });
    book.publish({ "yes.bids.0.41": "6", "yes.bids.0.4": null });
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    expect(subscribes().at(-1)).toMatchObject({ lastId: before, changes: true });
    expect(seen.messages.at(-1)?.changed).toEqual(["yes.bids.0.41", "yes.bids.0.4"]);
  });

  it("resumes without an id where what it has is not proven", async () => {
    const { client, book } = await setUp([new StateService("m1")]);
    const seen = await follow(client);
    book.publish({ "yes.bids.0.41": "5" });
    newestPeer().send("data", { ...book.newest(), sum: 1 });
    newestPeer().socket.terminate();
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    expect(subscribes().at(-1)).toEqual({ channel: "market:orderbook", marketId: "m1", changes: true });
  });

  it("repairs one market of a whole channel", async () => {
    const books = ["m1", "m2"].map((marketId) => new StateService(marketId));
    const { client, book } = await setUp(books);
    const seen = watch(client, "market:orderbook");
    await expect.poll(() => seen.messages.length).toBe(2);
    await untilLive(seen);
    book.publish({ "yes.bids.0.41": "5" });
    send({ ...book.newest(), sum: 1 });
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    await untilLive(seen);
    expect(subscribes().at(-1)).toEqual({ channel: "market:orderbook", changes: true, lastId: { m1: "0-0" } });
    expect(seen.messages.map(({ marketId }) => marketId)).toEqual(["m1", "m2", "m1"]);
  });

  it("takes the whole values of a service that has no sums", async () => {
    const { client, book } = await setUp([new StateService("m1")]);
    const seen = await follow(client);
    book.publish({ "yes.bids.0.410": "5.0" });
    const { sum: _, ...whole } = book.whole();
    send(whole);
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    expect(newestOf(seen)?.yes.asks).toBe(seen.messages[0]?.data.yes.asks);
  });

  it("goes back with the service where Redis lost the newest values", async () => {
    const { client, book } = await setUp([new StateService("m1")]);
    const seen = await follow(client);
    for (let size = 1; size <= 4; size += 1) {
      book.publish({ "yes.bids.0.41": String(size) });
      send(book.newest());
    }
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    book.lose(3);
    book.publish({ "yes.bids.0.42": "9" });
    send(book.newest());
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    await untilLive(seen);
    expect(client.statistics).toMatchObject({ wrongStates: 0 });
  });

  it("keeps what changed of the values that maxRate and a busy loop skip", async () => {
    const { client, book } = await setUp([new StateService("m1")]);
    const seen = await follow(client, { maxRate: 2 });
    const loop = client.messages("market:orderbook", { marketId: "m1" });
    const first = await loop.next();
    for (const price of ["0.41", "0.42", "0.43"]) {
      book.publish({ [`yes.bids.${price}`]: "5" });
      send(book.newest());
    }
    await expect.poll(() => newestOf(seen)).toEqual(book.value);
    expect(seen.messages.at(-1)?.changed).toEqual(["yes.bids.0.43", "yes.bids.0.42", "yes.bids.0.41"]);
    const { value } = await loop.next();
    expect([first.value?.changed, value?.data]).toEqual([undefined, book.value]);
    expect(value?.changed.toSorted()).toEqual(["yes.bids.0.41", "yes.bids.0.42", "yes.bids.0.43"]);
    await loop.return?.();
  });

  it("gives both outcomes where the service sends one", async () => {
    const book = new StateService("m1");
    book.mirror();
    book.publish({ "yes.bids.0.41": "5" });
    const { client } = await setUp([book]);
    const seen = await follow(client);
    book.publish({ "yes.bids.0.123": "7" });
    send(book.newest());
    await expect.poll(() => seen.messages.length).toBe(2);
    const [first, second] = seen.messages;
    expect(JSON.stringify(second?.data)).toBe(
      JSON.stringify({
        marketId: "m1",
        yes: book.value.yes,
        no: {
          bids: [{ price: "0.4", size: "10" }],
          asks: [
            { price: "0.59", size: "5" },
            { price: "0.6", size: "10" },
            { price: "0.877", size: "7" },
          ],
        },
        mirrored: true,
        time: book.value.time,
      }),
    );
    expect(second?.changed).toEqual(["yes.bids.0.123", "no.asks.0.877"]);
    expect(second?.data.no.bids).toBe(first?.data.no.bids);
    expect(second?.data.no.asks[0]).toBe(first?.data.no.asks[0]);
  });

  it("names the rows of both outcomes where a book is mirrored from now on", async () => {
    const { client, book } = await setUp([new StateService("m1", { "yes.bids.0.4": "10", "no.asks.0.7": "1" })]);
    const seen = await follow(client);
    book.mirror();
    book.publish({ "yes.bids.0.4": "11" });
    send(book.whole());
    await expect.poll(() => newestOf(seen)?.no.asks).toEqual([{ price: "0.6", size: "11" }]);
    expect(seen.messages.at(-1)?.changed).toEqual(["yes.bids.0.4", "no.asks.0.6", "no.asks.0.7"]);
  });
});

describe("a client that follows a portfolio", () => {
  it("shows positions that did not change as the same objects", async () => {
    const position = (marketId: string, size: string) => ({
      ...{ marketId, exchange: "polymarket", outcome: "yes" as const, size, averagePrice: "0.5" },
      ...{ currentPrice: "0.6", value: "6", profit: "1" },
    });
    const data = {
      ...{ currency: "USDC", value: "12", cash: "0", profit: "2" },
      ...{ positions: [position("m1", "10"), position("m2", "10")], time: 1_700_000_000_000 },
    };
    const { client } = await setUp([]);
    const seen = watch(client, "user:portfolio");
    await untilLive(seen);
    const sum = sumOf(portfolioFormat, data);
    send({ channel: "user:portfolio", id: "1-0", prev: "0-0", data, sum });
    const { positions: _, ...head } = { ...data, value: "13", time: data.time + 1 };
    const { marketId: __, exchange: ___, outcome: ____, ...row } = position("m2", "20");
    const next = { ...head, positions: [position("m1", "10"), position("m2", "20")] };
    const rows = { "yes:polymarket:m2": row };
    send({
      channel: "user:portfolio",
      id: "2-0",
      prev: "1-0",
      changes: { head, rows },
      sum: sumOf(portfolioFormat, next),
    });
    await expect.poll(() => seen.messages.at(-1)?.data).toEqual(next);
    expect(seen.messages[1]?.data.positions[0]).toBe(seen.messages[0]?.data.positions[0]);
    expect(seen.messages[1]?.changed).toEqual(["yes:polymarket:m2"]);
    expect(client.statistics).toMatchObject({ wrongStates: 0 });
  });
});
