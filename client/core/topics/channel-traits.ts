import type { Channel, channels } from "../../../contract/channels.ts";

/** The properties of a channel that the client needs at run time. */
export interface ChannelTraits {
  readonly access: "public" | "private";
  readonly key: "marketId" | "user" | "none";
  readonly delivery: "latest" | "ordered" | "durable" | "state";
}

type TraitsOf<C extends Channel> = Pick<(typeof channels)[C], keyof ChannelTraits>;

const latest = { access: "public", key: "marketId", delivery: "latest" } as const;
const durable = { access: "private", key: "user", delivery: "durable" } as const;

/**
 * The traits of the contract's channels without their schemas, since the schemas' library would be most of the bundle.
 * The compiler checks every value against the contract: a channel that is missing or different here does not compile.
 */
const traits: { readonly [C in Channel]: TraitsOf<C> } = {
  "market:prices": latest,
  "market:orderbook": { access: "public", key: "marketId", delivery: "state" },
  "market:trades": { access: "public", key: "marketId", delivery: "ordered" },
  "monitor:signals": { access: "public", key: "none", delivery: "ordered" },
  "user:orders": durable,
  "user:notifications": durable,
  "user:portfolio": { access: "private", key: "user", delivery: "state" },
  "user:copy-trade": durable,
};

/** Returns true where only the newest value of a stream counts, so that those before it may be left out. */
export const isConflated = (channel: Channel): boolean => ["latest", "state"].includes(channelTraits(channel).delivery);

/** Returns the traits of a channel. @throws RangeError for a name that the contract does not have */
export function channelTraits(channel: Channel): ChannelTraits {
  if (!Object.hasOwn(traits, channel)) throw new RangeError(`unknown channel ${JSON.stringify(channel)}`);
  return traits[channel];
}
