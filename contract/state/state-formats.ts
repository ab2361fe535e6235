import type { Channel, channels, Payload } from "../channels.ts";
import { orderBookFormat } from "./order-book-format.ts";
import { portfolioFormat } from "./portfolio-format.ts";
import type { StateFormat } from "./state-format.ts";

/** The channels of the delivery class `state`. The compiler compares them with the contract. */
export type StateChannel = "market:orderbook" | "user:portfolio";

type DeclaredStateChannel = {
  [C in Channel]: (typeof channels)[C]["delivery"] extends "state" ? C : never;
}[Channel];

/** How the values of each state channel are divided into rows. */
const formats: { readonly [C in StateChannel]: StateFormat<Payload<C>> } = {
  "market:orderbook": orderBookFormat,
  "user:portfolio": portfolioFormat,
} satisfies { readonly [C in DeclaredStateChannel]: StateFormat<Payload<C>> };

/** Returns true for a channel of the delivery class `state`. */
export const isStateChannel = (channel: Channel): channel is StateChannel => Object.hasOwn(formats, channel);

/** Returns the format of a state channel; undefined for any other channel. */
export const stateFormat = (channel: Channel): StateFormat<object> | undefined =>
  isStateChannel(channel) ? (formats[channel] as StateFormat<object>) : undefined;
