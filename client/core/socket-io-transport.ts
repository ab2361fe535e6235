import type { io } from "socket.io-client";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { boundedDelay } from "./delay.ts";
import { parseErrorMessage } from "./frames.ts";
import type { OpenTransport, Transport, TransportOptions } from "./transport.ts";

/** A namespace that no service has: its refusal comes at once, whatever else the gateway is busy with. */
const PROBE_NAMESPACE = "/probe";

/** What the gateway's refusal of a handshake carries beside its message. */
const refusalOf = (error: Error): unknown => ("data" in error ? error.data : undefined);

/**
 * The gateway: Socket.IO over WebSocket. Reconnection is off, since the client does it for both edges.
 *
 * @param connect `io` of socket.io-client, which is loaded apart from this
 */
export const createSocketIoTransport =
  (connect: typeof io): OpenTransport =>
  (options) =>
    openSocketIo(connect, options);

function openSocketIo(connect: typeof io, { url, token, connectTimeoutMs, listener }: TransportOptions): Transport {
  const socket = connect(url.replace(/\/$/, "") + NAMESPACE, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    timeout: connectTimeoutMs,
    auth: token === null ? {} : { token },
  });
  // Covers the namespace's handshake too, which has no limit of its own.
  const timer = setTimeout(() => end("the connection was not made in time"), boundedDelay(connectTimeoutMs));
  const stop = (): void => {
    clearTimeout(timer);
    socket.off();
    socket.offAny();
    socket.disconnect();
  };
  const end = (message: string, refusal?: unknown): void => {
    stop();
    listener.onClose({ code: parseErrorMessage(refusal)?.code, message });
  };
  socket.on("connect", () => {
    clearTimeout(timer);
    listener.onOpen();
  });
  socket.on("connect_error", (error) => end(error.message, refusalOf(error)));
  socket.on("disconnect", (reason) => end(reason));
  socket.onAny((event: string, value: unknown) => listener.onEvent(event, value));
  return {
    request: (event, content, onAnswer) => void socket.emit(event, content, onAnswer),
    probe(onAnswer) {
      const probe = socket.io.socket(PROBE_NAMESPACE);
      const finish = (): void => {
        probe.off();
        probe.disconnect();
        onAnswer();
      };
      probe.once("connect_error", finish);
      probe.once("connect", finish);
    },
    close: stop,
  };
}
