import { afterEach, describe, expect, it } from "vitest";
import { answerForBooks } from "./book-server.ts";
import { type FrameServer, startFrameServer } from "./frame-server.ts";
import { setUpClients, untilLive } from "./set-up.ts";
import { StateService, seeded, someRows } from "./state-service.ts";
import { type Seen, watch } from "./watch.ts";

const COUNT = 1_000;

const create = setUpClients();
let server: FrameServer | undefined;
afterEach(() => server?.stop());

type Event = ReturnType<StateService["newest"]>;

const flipped = ({ changes: { head, rows }, ...event }: Event, key: string): object => ({
  ...event,
  changes: { head, rows: { ...rows, [key]: rows[key] === "7" ? "8" : "7" } },
});

/** What arrives of two changes in a row, each of which no receiver may apply. */
const corruptions: readonly ((first: Event, second: Event) => readonly object[])[] = [
  // A row has another value.
  (first, second) => [first, flipped(second, Object.keys(second.changes.rows)[0] ?? "")],
  // There is a row that nobody sent.
  (first, second) => [first, flipped(second, "no.asks.0.987")],
  // A row is missing.
  (first, { changes: { head }, ...second }) => [first, { ...second, changes: { head, rows: {} } }],
  // The sum is forged.
  (first, second) => [first, { ...second, sum: (second.sum + 1) % 2 ** 32 }],
  // The message before it is lost.
  (_, second) => [second],
  // It comes before the message before it.
  (first, second) => [second, first],
];

/** Publishes two changes of a book. Returns what arrives of them. */
function damagedChanges(book: StateService, index: number, random: () => number): readonly object[] {
  book.publish(someRows(book.value, random));
  const first = book.newest();
  // Another row than that of the first change, for whose loss it would make up.
  book.publish({ "yes.bids.0.345": String(1 + Math.floor(random() * 100)) });
  return corruptions[index % corruptions.length]?.(first, book.newest()) ?? [];
}

/** Expects that each message has what was published with its id, and that none came twice. */
function checkMessages({ messages, gaps }: Seen<"market:orderbook">, { published }: StateService): void {
  for (const { id, data } of messages) expect(JSON.stringify(data)).toBe(JSON.stringify(published.get(id)));
  expect(gaps).toEqual([]);
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
}

describe("a client of a service whose messages are damaged on their way", () => {
  it(`detects and repairs each of ${COUNT} corruptions, and shows none of them`, async () => {
    const random = seeded(20_261_127);
    const books = Array.from({ length: COUNT }, (_, index) => new StateService(`m${index}`));
    server = await startFrameServer((peer, request) => answerForBooks(books, peer, request));
    const errors: Error[] = [];
    const client = create({ url: server.url, onError: (error) => errors.push(error) });
    const all = books.map(({ marketId }) => watch(client, "market:orderbook", { marketId }));
    await expect.poll(() => all.every(({ messages }) => messages.length === 1)).toBe(true);
    await untilLive(...all);
    const send = (event: object): void => server?.peers[0]?.send("data", event);
    for (const [index, book] of books.entries()) {
      for (const event of damagedChanges(book, index, random)) send(event);
    }
    const isRepaired = () => all.every(({ messages }, index) => messages.at(-1)?.id === books[index]?.id);
    await expect.poll(isRepaired).toBe(true);
    await untilLive(...all);
    expect(client.statistics).toMatchObject({ wrongStates: COUNT });

    for (const book of books) {
      book.publish(someRows(book.value, random));
      for (let count = 0; count < 2; count += 1) send(book.newest());
    }
    await expect.poll(isRepaired).toBe(true);
    expect(client.statistics).toMatchObject({ wrongStates: COUNT });
    expect([errors, server.peers.length]).toEqual([[], 1]);
    for (const [index, seen] of all.entries()) checkMessages(seen, books[index] as StateService);
  });
});
