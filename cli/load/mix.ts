import { type Channel, channelDefinition, isChannel } from "../../contract/channels.ts";

/** A channel's share of the subscriptions of a load. */
export interface MixPart {
  readonly channel: Channel;
  readonly weight: number;
}

/**
 * Parses `market:prices=3,market:trades=1`; a channel without a weight has 1.
 *
 * @throws RangeError that names the part which is wrong.
 */
export function parseMix(text: string): readonly MixPart[] {
  return text.split(",").map((part) => {
    const [name = "", weight = "1"] = part.trim().split("=");
    if (!isChannel(name)) throw new RangeError(`there is no channel ${JSON.stringify(name)}`);
    if (channelDefinition(name).access === "private")
      throw new RangeError(`${name} is private: a load connects anonymously`);
    if (!/^\d+(\.\d+)?$/.test(weight) || Number(weight) === 0)
      throw new RangeError(`${part}: the weight must be a positive number`);
    return { channel: name, weight: Number(weight) };
  });
}

/** One subscription of a load. */
export interface LoadTopic {
  readonly channel: Channel;
  readonly marketId?: string;
}

/** Deals subscriptions to connections: channels in the proportion of the mix, markets one after the other. */
export function dealTopics(mix: readonly MixPart[], markets: readonly string[]): () => LoadTopic {
  const owed = mix.map(() => 0);
  const total = mix.reduce((sum, { weight }) => sum + weight, 0);
  let dealt = 0;
  return () => {
    for (const [index, { weight }] of mix.entries()) owed[index] = (owed[index] ?? 0) + weight / total;
    const most = owed.indexOf(Math.max(...owed));
    owed[most] = (owed[most] ?? 0) - 1;
    const channel = mix[most]?.channel ?? "market:prices";
    const isKeyed = channelDefinition(channel).key === "marketId";
    dealt += 1;
    const marketId = isKeyed ? markets[(dealt - 1) % markets.length] : undefined;
    return marketId === undefined ? { channel } : { channel, marketId };
  };
}
