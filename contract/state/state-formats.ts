import type { Channel, channels, Payload } from "../channels.ts";
import { orderBookFormat } from "./order-book-format.ts";
import { portfolioFormat } from "./portfolio-format.ts";
import type { StateFormat } from "./state-format.ts";

/** The channels of the delivery class `state`. */
export type StateChannel = {
  [C in Channel]: (typeof channels)[C]["delivery"] extends "state" ? C : never;
}[Channel];

/** How the values of each state channel are divided into rows. The compiler asks for a format for each of them. */
const formats: { readonly [C in StateChannel]: StateFormat<Payload<C>> } = {
  "market:orderbook": orderBookFormat,
  "user:portfolio": portfolioFormat,
};

/** Returns true for a channel of the delivery class `state`. */
export const isStateChannel = (channel: Channel): channel is StateChannel => Object.hasOwn(formats, channel);

/** Returns the format of a state channel; undefined for any other channel. */
export const stateFormat = (channel: Channel): StateFormat<object> | undefined =>
  isStateChannel(channel) ? (formats[channel] as StateFormat<object>) : undefined;
