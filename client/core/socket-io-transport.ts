import { io } from "socket.io-client";
import { NAMESPACE } from "../../contract/wire.ts";
import { parseErrorMessage } from "./frames.ts";
import type { OpenTransport } from "./transport.ts";

/** What the gateway's refusal of a handshake carries beside its message. */
const refusalOf = (error: Error): unknown => ("data" in error ? error.data : undefined);

/** The gateway: Socket.IO over WebSocket. Reconnection is off, since the client does it for both edges. */
export const openSocketIoTransport: OpenTransport = ({ url, token, connectTimeoutMs, listener }) => {
  const socket = io(url.replace(/\/$/, "") + NAMESPACE, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    timeout: connectTimeoutMs,
    auth: token === null ? {} : { token },
  });
  // Covers the namespace's handshake too, which has no limit of its own.
  const timer = setTimeout(() => end("the connection was not made in time"), connectTimeoutMs);
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
    close: stop,
  };
};
