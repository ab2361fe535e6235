import type { ChannelMessage } from "../../contract/domain-events.ts";
import type { Stream } from "../../contract/stream.ts";
import { createMessage, streams as mixedStreams, named } from "../../drill/messages.ts";
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
    { name: "`publish()`, one trade", step: 1, send: (number) => publisher.publish([messageOf(trades, number)]) },
    batch(`trades of ${KEYS} markets`, trades),
    batch("trades of one market", trades.slice(0, 1)),
    batch(`orders of ${KEYS} users`, orders),
    batch("of all eight channels", mixedStreams),
  ];
}
