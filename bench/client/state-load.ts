import { Receiver } from "../../client/core/subscriptions/receiver.ts";
import { SharedSubscription } from "../../client/core/subscriptions/shared-subscription.ts";
import type { Message } from "../../client/core/types.ts";
import type { Payload } from "../../contract/channels.ts";
import type { Depth } from "../../contract/limits.ts";
import type { DataEvent } from "../../contract/messages.ts";
import { orderBookFormat as format } from "../../contract/state/order-book-format.ts";
import type { StateChange } from "../../contract/state/state-change.ts";
import { sumOf } from "../../contract/state/verified-state.ts";

type Book = Payload<"market:orderbook">;

/** Levels that are read after each change. */
export const READ = 20;

/** A book, and how a client subscribes to it. */
export interface StateShape {
  /** Levels a side. */
  readonly levels: number;
  readonly isMirrored: boolean;
  readonly depth: Depth | undefined;
}

const topic = { channel: "market:orderbook", marketId: "m" } as const;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Prices of one side in thousandths, the best first. */
const priceOf = (side: string, index: number): string =>
  `0.${side === "bids" ? 499 - index : 501 + index}`.replace(/0+$/, "");

function firstBook({ levels, isMirrored }: StateShape): Book {
  const outcomes = isMirrored ? ["yes"] : ["yes", "no"];
  const rows = outcomes.flatMap((outcome) =>
    ["bids", "asks"].flatMap((side) =>
      range(levels).map((index) => [`${outcome}.${side}.${priceOf(side, index)}`, String(100 + index)]),
    ),
  );
  const head = { time: 1_700_000_000_000, ...(isMirrored ? { mirrored: true } : {}) };
  return format.apply(format.empty("m"), { head, rows: Object.fromEntries(rows) });
}

/** Returns the whole book and changes of one level each: every tenth removes one, and the next brings it back. */
export function messagesOf(shape: StateShape, count: number): DataEvent[] {
  let value = firstBook(shape);
  const messages: DataEvent[] = [{ ...topic, id: "1000-0", prev: "0-0", data: value, sum: sumOf(format, value) }];
  for (const index of range(count)) {
    const side = index % 2 === 0 ? "bids" : "asks";
    const place = index % 10 < 2 ? 3 : (index * 7) % shape.levels;
    const row = index % 20 < 2 ? null : String(1 + (index % 997));
    const changes: StateChange = {
      head: { ...format.head(value), time: value.time + 1 },
      rows: { [`yes.${side}.${priceOf(side, place)}`]: row },
    };
    value = format.apply(value, changes);
    const ids = { id: `${1_001 + index}-0`, prev: `${1_000 + index}-0` };
    messages.push({ ...topic, ...ids, changes, sum: sumOf(format, value) });
  }
  return messages;
}

/**
 * Takes all messages as a client does, and reads the best levels of both sides after each.
 *
 * @param messages parsed ones, or their texts.
 */
export function takeMessages(messages: readonly (DataEvent | string)[], depth: Depth | undefined): void {
  let read = 0;
  const onMessage = ({ data }: Message<"market:orderbook">): void => {
    for (const { size } of data.yes.bids.slice(0, READ)) read += size.length;
    for (const { size } of data.yes.asks.slice(0, READ)) read += size.length;
  };
  const shared = new SharedSubscription(topic);
  const receiver = new Receiver<"market:orderbook">({
    ...{ topic, isLatest: true, hasOneStream: true },
    options: { ...(depth === undefined ? {} : { depth }), onMessage },
    health: () => shared.health.current,
    onClose: () => undefined,
    onListenerError: (error) => {
      throw error;
    },
  });
  shared.add(receiver as unknown as Receiver, false);
  for (const message of messages) {
    const event: DataEvent = typeof message === "string" ? JSON.parse(message) : message;
    if (shared.take(event, false) !== "verified") throw new Error("a change was refused");
  }
  if (read === 0) throw new Error("nothing was read");
}
