import { NAMESPACE } from "../../../contract/endpoints.ts";

/** The handshake of a Socket.IO client that connects to the namespace with an optional token and makes requests. */
export const socketIoHandshake = (requests: readonly object[], token?: string): readonly string[] => [
  "C /socket.io/?EIO=4&transport=websocket",
  "< 0{",
  `> 40${NAMESPACE},${token === undefined ? "" : JSON.stringify({ token })}`,
  `< 40${NAMESPACE},{`,
  ...requests.map((request) => `> 42${NAMESPACE},${JSON.stringify(["subscribe", request])}`),
  ...requests.map(() => `< 42${NAMESPACE},["subscribed"`),
];
