/**
 * The Redis names of control: all of one slot. None begins with `stream:{`, which publishers may write: what is here moves
 * and closes connections, and only operators may write it.
 */

/** The stream of control messages. */
export const CONTROL_STREAM = "{control}";

/** The sorted set of the gateways that run, scored by their last announcement in seconds since 1970. */
export const GATEWAYS = "{control}:gateways";

/** The hash of what each of these announced, by the gateway's id. */
export const GATEWAY_DETAILS = "{control}:gateway-details";
