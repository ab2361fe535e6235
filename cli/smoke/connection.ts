import { io, type Socket } from "socket.io-client";
import * as z from "zod";
import { NAMESPACE } from "../../contract/endpoints.ts";

/** A connection of a client, over either edge. */
export interface SmokeConnection {
  /** The transport, as printed. */
  readonly how: string;
  /** Sends a request and resolves with the answer. @throws SmokeError with the error's code. */
  ask(event: string, request: unknown): Promise<unknown>;
  /** Calls the listener with the content of every `data` event. */
  onData(listener: (message: unknown) => void): void;
  /** Calls the listener when the other side closes the connection, or it breaks. */
  onClose(listener: () => void): void;
  close(): void;
}

export interface ConnectOptions {
  readonly url: URL;
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

/** A step of the smoke test failed; the message says why. */
export class SmokeError extends Error {
  override readonly name = "SmokeError";
}

const refusal = z.object({ code: z.string(), message: z.string() });

/** Returns the answer. @throws SmokeError if it is an error of the protocol. */
export function checkAnswer(answer: unknown): unknown {
  const error = refusal.safeParse(answer);
  if (error.success) throw new SmokeError(`${error.data.code}: ${error.data.message}`);
  return answer;
}

/** Returns the reason of a `connect_error`: the gateway's code and message, or the network's error. */
function describeConnectError(error: Error): string {
  const data = refusal.safeParse("data" in error ? error.data : undefined);
  if (data.success) return `${data.data.code}: ${data.data.message}`;
  const description = z.object({ description: z.object({ message: z.string() }) }).safeParse(error);
  return description.success ? `${error.message}: ${description.data.description.message}` : error.message;
}

const toConnection = (socket: Socket, timeoutMs: number): SmokeConnection => ({
  how: "Socket.IO over WebSocket",
  ask: async (event, request) => checkAnswer(await socket.timeout(timeoutMs).emitWithAck(event, request)),
  onData: (listener) => socket.on("data", listener),
  onClose: (listener) => socket.on("disconnect", listener),
  close: () => socket.disconnect(),
});

/** Resolves once connected. @throws SmokeError if the endpoint refuses, is unreachable, or does not answer in time. */
export function connectSocketIo({ url, token, timeoutMs }: ConnectOptions): Promise<SmokeConnection> {
  const socket = io(`${url.origin}${NAMESPACE}`, {
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    timeout: timeoutMs,
    auth: token === undefined ? {} : { token },
  });
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(toConnection(socket, timeoutMs)));
    socket.once("connect_error", (error) => {
      socket.disconnect();
      reject(new SmokeError(describeConnectError(error)));
    });
  });
}
