import pTimeout from "p-timeout";
import { WebSocket } from "ws";
import { SUBPROTOCOL } from "../../contract/endpoints.ts";
import { parseServerFrames, type ServerFrame } from "../../contract/managed-edge.ts";
import { type ConnectOptions, checkAnswer, type SmokeConnection, SmokeError } from "./connection.ts";

const TOKEN_REFUSED = /\b401\b/;

/** Matches answers to requests, and passes data to listeners. */
class Frames {
  readonly #answers = new Map<number, (frame: ServerFrame) => void>();
  readonly #listeners: ((message: unknown) => void)[] = [];
  readonly #socket: WebSocket;
  #requests = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      for (const frame of parseServerFrames(String(data))) this.#take(frame);
    });
  }

  #take(frame: ServerFrame): void {
    if (frame.event === "data") for (const listener of this.#listeners) listener(frame.data);
    if (typeof frame.id === "number") this.#answers.get(frame.id)?.(frame);
  }

  onData(listener: (message: unknown) => void): void {
    this.#listeners.push(listener);
  }

  async ask(event: string, data: unknown, timeoutMs: number): Promise<unknown> {
    this.#requests += 1;
    const id = this.#requests;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.set(id, (frame) => resolve(frame.data));
    this.#socket.send(JSON.stringify({ event, data, id }));
    const message = new SmokeError(`no answer within ${timeoutMs / 1_000} s`);
    return checkAnswer(await pTimeout(promise, { milliseconds: timeoutMs, message }));
  }
}

/** Resolves once connected. @throws SmokeError if the endpoint refuses, is unreachable, or does not answer in time. */
export function connectManagedEdge({ url, token, timeoutMs }: ConnectOptions): Promise<SmokeConnection> {
  const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, token];
  const socket = new WebSocket(url, protocols, { handshakeTimeout: timeoutMs });
  const frames = new Frames(socket);
  return new Promise((resolve, reject) => {
    socket.once("open", () =>
      resolve({
        how: "WebSocket of the managed edge",
        ask: (event, request) => frames.ask(event, request, timeoutMs),
        onData: (listener) => frames.onData(listener),
        onClose: (listener) => socket.on("close", listener),
        close: () => socket.close(),
      }),
    );
    socket.on("error", ({ message }) =>
      reject(new SmokeError(TOKEN_REFUSED.test(message) ? `invalid token (${message})` : message)),
    );
  });
}
