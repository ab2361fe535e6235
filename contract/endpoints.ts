/** The names that a client connects with. Imports nothing, so that a browser loads no schema with it. */

/** The Socket.IO namespace of the service. */
export const NAMESPACE = "/ws";

/** The WebSocket subprotocol of the managed edge: `new WebSocket(url, ["vezta", token])`, or without the token. */
export const SUBPROTOCOL = "vezta";
