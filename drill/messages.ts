import { isConflated } from "../contract/channels.ts";
import type { ChannelMessage } from "../contract/domain-events.ts";
import { roomName, type Stream, type Topic } from "../contract/stream.ts";

/** A stream that the drill feeds, with a name to keep books under. */
export interface DrillStream extends Stream {
  readonly name: string;
}

const MARKETS = 20;
const USERS = 10;

export const markets: readonly string[] = Array.from({ length: MARKETS }, (_, index) => `market-${index + 1}`);
export const users: readonly string[] = Array.from({ length: USERS }, (_, index) => `user-${index + 1}`);

export const marketChannels = ["market:prices", "market:orderbook", "market:trades"] as const;
export const userChannels = ["user:orders", "user:notifications", "user:portfolio", "user:copy-trade"] as const;

/** Gives a stream its name. */
export const named = ({ channel, key }: Topic): DrillStream => ({ channel, key, name: roomName({ channel, key }) });

/** True where a client without `changes` gets the newest value, and those in between may be left out. */
export const countsNewestOnly = ({ channel }: Topic): boolean => isConflated(channel);

/** Every stream of all eight channels. */
export const streams: readonly DrillStream[] = [
  ...marketChannels.flatMap((channel) => markets.map((key) => named({ channel, key }))),
  named({ channel: "monitor:signals" }),
  ...userChannels.flatMap((channel) => users.map((key) => named({ channel, key }))),
];

/** The number that a message carries as the name of its change; undefined where the drill did not write it. */
export const numberOf = (event: string | undefined): number | undefined =>
  event?.startsWith("n") ? Number.parseInt(event.slice(1), 10) : undefined;

/** State of an entity in a message; see `createMessage`. */
export interface EntityState {
  readonly time?: number;
  readonly entity?: string;
  readonly status?: "open" | "partially_filled" | "filled";
}

const traded = { exchange: "drill", outcome: "yes", side: "buy", size: "10" } as const;

const book = { bids: [{ price: "0.41", size: "120" }], asks: [{ price: "0.43", size: "80" }] };

/**
 * The message of that number on a stream. Asked again with the same number it is the same event: same event id, and on
 * `latest` channels the same version.
 *
 * @param state when what it states became true, in ms since 1970; then it is the version too. An order or copied trade of
 *   that id, in place of one of its own.
 */
export function createMessage(stream: DrillStream, number: number, state: EntityState = {}): ChannelMessage {
  const { channel, key, name } = stream;
  const marketId = key ?? "";
  const { time = Date.now(), entity: id = String(number), status = "open" } = state;
  const version = state.time === undefined ? { version: number, versionEpoch: "drill" } : { version: state.time };
  // In the drill the key goes along, so that whoever gets the message can tell whose it is.
  const event = key === undefined || state.time === undefined ? `n${number}` : `n${number}@${key}`;
  const common = { key, event, eventId: `${name}/${number}` };
  switch (channel) {
    case "market:prices":
      return { ...common, channel, ...version, data: { marketId, yes: "0.42", no: "0.58", time } };
    case "market:orderbook":
      return { ...common, channel, ...version, data: { marketId, yes: book, no: book, time } };
    case "market:trades":
      return { ...common, channel, data: { ...traded, id, marketId, price: "0.42", time } };
    case "monitor:signals": {
      const news = { kind: "news", headline: "Drill", source: "drill", sentiment: "neutral" } as const;
      return { ...common, channel, data: { ...news, id, marketIds: [], time } };
    }
    case "user:orders": {
      const order = { ...traded, id, marketId: "market-1", type: "market", status, filledSize: "0" } as const;
      return { ...common, channel, data: { ...order, time } };
    }
    case "user:notifications": {
      const notification = { id, category: "system", severity: "info", title: "Drill", body: "Drill" } as const;
      return { ...common, channel, data: { ...notification, time } };
    }
    case "user:portfolio": {
      const portfolio = { currency: "USD", value: String(number), cash: "0", profit: "0", positions: [] };
      return { ...common, channel, data: { ...portfolio, time } };
    }
    case "user:copy-trade": {
      const copy = { leaderId: "leader", leaderTradeId: id, marketId: "market-1", status: "executed" } as const;
      return { ...common, channel, data: { ...traded, ...copy, id, time } };
    }
    default:
      return channel satisfies never;
  }
}
