import type { ChannelMessage, ChannelUpdate } from "../../contract/domain-events.ts";
import type { Stream } from "../../contract/stream.ts";
import { createMessage, streams as mixedStreams, named } from "../../drill/messages.ts";
import { MovingBook } from "../values/moving-book.ts";
import type { Target } from "./target.ts";

/** Messages of one call, where a call has more than one: half of a batch of the Kinesis stream. */
const BATCH = 100;

/** Markets, or users, among which messages are spread. */
const KEYS = 50;

/** A way to publish. */
export interface Method {
  readonly name: string;
  /** Messages of one call. */
  readonly step: number;
  /** Resolves once Redis has the messages numbered from `first`. A number is used once on a target. */
  send(first: number): Promise<unknown>;
}

/** The name of the method that the others are compared with. */
export const PLAIN = "`PUBLISH`";

/** The name of the method that changes of books are compared with. */
export const ONE_TRADE = "`publish()`, one trade";

const numbered = (count: number, toStream: (index: number) => Stream) =>
  Array.from({ length: count }, (_, index) => named(toStream(index)));

const trades = numbered(KEYS, (index) => ({ channel: "market:trades", key: `market-${index}` }));
const orders = numbered(KEYS, (index) => ({ channel: "user:orders", key: `user-${index}` }));

/** The message of that number, on one of the streams in turn. */
function messageOf(streams: readonly ReturnType<typeof named>[], number: number): ChannelMessage {
  const stream = streams[number % streams.length];
  if (!stream) throw new RangeError("there is no stream to publish to");
  return createMessage(stream, number);
}

const batchOf = (streams: readonly ReturnType<typeof named>[], first: number): ChannelMessage[] =>
  Array.from({ length: BATCH }, (_, index) => messageOf(streams, first + index));

/** Levels a side of the books. */
const LEVELS = 100;

/** As many as messages are under way: those of one state stream wait for each other. */
const BOOKS = 200;

/** Publishes books of its own: whole ones, of which one level differs each time, or that level alone. */
function bookMethod({ publisher }: Target, what: "whole" | "changes"): Method {
  const books = numbered(BOOKS, (index) => ({ channel: "market:orderbook", key: `${what}-${index}` })).map(
    ({ key }) => {
      return { key, book: new MovingBook(key ?? "", LEVELS), isKnown: false };
    },
  );
  return {
    name: what === "whole" ? `\`publish()\`, one book of ${LEVELS} levels a side` : "`publish()`, one changed level",
    step: 1,
    async send(number) {
      const moving = books[number % BOOKS];
      if (!moving) throw new RangeError("there is no book to publish");
      const { key, book, isKnown } = moving;
      moving.isKnown = true;
      const changes = book.move();
      const content = what === "changes" && isKnown ? { changes } : { data: book.value };
      const message = { channel: "market:orderbook", key, eventId: `${key}/${number}`, ...content };
      await publisher.publish([message as ChannelUpdate]);
    },
  };
}

function plainMethods({ connection, isCluster }: Target): readonly Method[] {
  const market = (number: number): string => `plain-${number % KEYS}`;
  const body = (number: number): string => JSON.stringify(messageOf(trades, number).data);
  const appendAndPublish: Method = {
    name: "`XADD` + `PUBLISH`, not atomic",
    step: 1,
    send: (number) =>
      connection
        .pipeline()
        .xadd(`x:${market(number)}`, "MAXLEN", 300, "*", "m", body(number))
        .publish(market(number), body(number))
        .exec(),
  };
  return [
    { name: PLAIN, step: 1, send: (number) => connection.publish(market(number), body(number)) },
    { name: "`SPUBLISH`", step: 1, send: (number) => connection.spublish(market(number), body(number)) },
    // ioredis takes a pipeline to one shard only.
    ...(isCluster ? [] : [appendAndPublish]),
  ];
}

/** All ways to publish to a target. */
export function methodsOf(target: Target): readonly Method[] {
  const { publisher } = target;
  const batch = (what: string, streams: readonly ReturnType<typeof named>[]): Method => ({
    name: `\`publish()\`, ${BATCH} ${what}`,
    step: BATCH,
    send: (first) => publisher.publish(batchOf(streams, first)),
  });
  return [
    ...plainMethods(target),
    { name: ONE_TRADE, step: 1, send: (number) => publisher.publish([messageOf(trades, number)]) },
    bookMethod(target, "whole"),
    bookMethod(target, "changes"),
    batch(`trades of ${KEYS} markets`, trades),
    batch("trades of one market", trades.slice(0, 1)),
    batch(`orders of ${KEYS} users`, orders),
    batch("of all eight channels", mixedStreams),
  ];
}
