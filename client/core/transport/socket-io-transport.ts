import type { io } from "socket.io-client";
import { NAMESPACE } from "../../../contract/endpoints.ts";
import { parseErrorMessage } from "../messages/parse-messages.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";
import type { OpenTransport, Transport, TransportOptions } from "./transport.ts";

/** A namespace that does not exist: the gateway refuses it immediately, whatever else it is waiting for. */
const PROBE_NAMESPACE = "/probe";

/** Returns the `data` of a refused handshake, which is an `ErrorMessage`. */
const refusalOf = (error: Error): unknown => ("data" in error ? error.data : undefined);

/**
 * Creates the transport of the gateway: Socket.IO over WebSocket. Reconnection is off, because the client reconnects on
 * both edges.
 *
 * @param connect `io` of socket.io-client, which is a chunk of its own
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
  // Covers the handshake of the namespace too, which has no timeout of its own.
  const timer = setTimeout(
    () => end(`not connected within ${connectTimeoutMs / 1_000} s`),
    boundedDelay(connectTimeoutMs),
  );
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
