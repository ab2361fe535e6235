import type { Payload } from "../../contract/channels.ts";
import type { Depth } from "../../contract/limits.ts";
import type { ChangesMessage, DataMessage } from "../../contract/messages.ts";
import { orderBookFormat as format } from "../../contract/state/order-book-format.ts";
import type { StateChange } from "../../contract/state/state-change.ts";
import { sumOf } from "../../contract/state/verified-state.ts";

export type Book = Payload<"market:orderbook">;
type Rows = StateChange["rows"];

/** Returns the same sequence of numbers from 0 to 1 for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The order book of one market as the service has it: every value since the first, and the messages of each view. */
export class StateService {
  readonly marketId: string;
  readonly values: { readonly id: string; readonly value: Book }[] = [];
  /** Every value that there ever was, by its id. */
  readonly published = new Map<string, Book>();
  #isMirrored = false;
  #failovers = 0;

  constructor(marketId: string, rows: Rows = { "yes.bids.0.4": "10", "yes.asks.0.6": "10" }) {
    this.marketId = marketId;
    this.publish(rows);
  }

  get id(): string {
    return this.values.at(-1)?.id ?? "0-0";
  }

  get value(): Book {
    return this.values.at(-1)?.value ?? format.empty(this.marketId);
  }

  /** Says from the next value on that NO is the mirror of YES. */
  mirror(): void {
    this.#isMirrored = true;
  }

  /** Publishes what changed. */
  publish(rows: Rows): void {
    const number = this.values.length + 1;
    const head = { time: 1_700_000_000_000 + number, ...(this.#isMirrored ? { mirrored: true } : {}) };
    const id = `${1_000 + number}-${this.#failovers}`;
    const value = format.apply(this.value, { head, rows });
    this.values.push({ id, value });
    this.published.set(id, value);
  }

  /** Loses the newest values, as Redis does after a failover. */
  lose(count: number): void {
    this.values.splice(Math.max(1, this.values.length - count));
    this.#failovers += 1;
  }

  /** The values of a view: those that changed something in it. */
  view(depth?: Depth): { readonly id: string; readonly value: Book }[] {
    const limited = this.values.map(({ id, value }) => ({
      id,
      value: depth === undefined ? value : (format.limit?.(value, depth) ?? value),
    }));
    return limited.filter(({ value }, index) => {
      const before = limited[index - 1]?.value;
      return depth === undefined || !before || Object.keys(format.difference(before, value)).length > 0;
    });
  }

  /** The whole value of a view. */
  whole(depth?: Depth): DataMessage<"market:orderbook"> {
    const view = this.view(depth);
    const { id, value } = view.at(-1) ?? { id: "0-0", value: this.value };
    return { ...this.#message(id, view.at(-2)?.id ?? "0-0", value, depth), data: value };
  }

  /** What changed in a view since an id that it has sent. */
  changes(since: string, depth?: Depth): ChangesMessage<"market:orderbook"> {
    const view = this.view(depth);
    const before = view.find(({ id }) => id === since);
    const newest = view.at(-1);
    if (!before || !newest) throw new Error(`the view of ${this.marketId} has not sent ${since}`);
    const rows = format.difference(before.value, newest.value);
    return {
      ...this.#message(newest.id, since, newest.value, depth),
      changes: { head: format.head(newest.value), rows },
    };
  }

  /** The message of a view about its newest value. */
  newest(depth?: Depth): ChangesMessage<"market:orderbook"> {
    return this.changes(this.view(depth).at(-2)?.id ?? "", depth);
  }

  /** Returns what follows a reply: nothing where the client has everything, else what changed or the whole value. */
  afterReply(lastId: string | undefined, depth?: Depth): object[] {
    const view = this.view(depth);
    if (lastId === view.at(-1)?.id) return [];
    return [view.some(({ id }) => id === lastId) ? this.changes(lastId ?? "", depth) : this.whole(depth)];
  }

  #message(id: string, prev: string, value: Book, depth: Depth | undefined) {
    const sum = sumOf(format, value);
    const topic = { channel: "market:orderbook" as const, marketId: this.marketId };
    return { ...topic, id, prev, sum, ...(depth === undefined ? {} : { depth }) };
  }
}

/** Returns rows that differ from a book in one or two places. */
export function someRows(book: Book, random: () => number): Rows {
  const outcome = random() < 0.7 ? "yes" : "no";
  const side = random() < 0.5 ? "bids" : "asks";
  const price = side === "bids" ? `0.${1 + Math.floor(random() * 4)}` : `0.${5 + Math.floor(random() * 5)}`;
  const key = `${outcome}.${side}.${price}`;
  const size = String(1 + Math.floor(random() * 1_000));
  if (format.row(book, key) === undefined) return { [key]: size };
  return { [key]: random() < 0.3 ? null : `${size}.5` };
}
