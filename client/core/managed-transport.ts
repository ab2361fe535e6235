import { SUBPROTOCOL } from "../../contract/wire.ts";
import { isObject } from "./frames.ts";
import type { OpenTransport, Transport, TransportOptions } from "./transport.ts";

/** How long an answer to a ping may take before the connection counts as dead: so many ms, or so many pings. */
const PONG_TIMEOUT_MS = 15_000;
const PONG_TIMEOUT_PINGS = 3;

/** The managed edge: JSON frames over a plain WebSocket. */
class ManagedTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #socket: WebSocket;
  /** Requests that wait for their answer, by the id that comes back with it. */
  readonly #waiting = new Map<string, (answer: unknown) => void>();
  #requests = 0;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout>;
  #pongTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocket, options: TransportOptions) {
    const { connectTimeoutMs } = options;
    this.#options = options;
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#end("the connection was not made in time"), connectTimeoutMs);
    this.#socket.onopen = () => {
      this.#schedulePing();
      options.listener.onOpen();
    };
    this.#socket.onmessage = ({ data }) => this.#onText(data);
    this.#socket.onclose = ({ code, reason }) => this.#end(reason === "" ? `closed with ${code}` : reason);
    // `close` follows, and says as much: a WebSocket error has no content.
    this.#socket.onerror = () => undefined;
  }

  request(event: string, content: object, onAnswer: (answer: unknown) => void): void {
    this.#requests += 1;
    const id = String(this.#requests);
    this.#waiting.set(id, onAnswer);
    this.#send({ event, data: content, id });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pongTimer);
    this.#waiting.clear();
    this.#socket.close();
  }

  #end(message: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onClose({ message });
  }

  #send(frame: object): void {
    // A request in the moment between the end of the connection and the news of it is made again on the next one.
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #schedulePing(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ping(), this.#options.pingIntervalMs);
  }

  #ping(): void {
    this.#send({ event: "ping" });
    const timeout = Math.min(PONG_TIMEOUT_MS, PONG_TIMEOUT_PINGS * this.#options.pingIntervalMs);
    this.#pongTimer ??= setTimeout(() => this.#end("no answer to a ping"), timeout);
    this.#schedulePing();
  }

  #onText(data: unknown): void {
    // Whatever comes shows that the connection is alive.
    clearTimeout(this.#pongTimer);
    this.#pongTimer = undefined;
    for (const frame of parseFrames(data)) {
      if (this.#isClosed) return;
      this.#onFrame(frame);
    }
  }

  /** API Gateway's own report of a failed request, which does not say of which: all that wait are made again. */
  #onForeign(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const answer of waiting) answer(failure);
  }

  #onFrame(frame: unknown): void {
    if (!isObject(frame) || typeof frame.event !== "string") {
      this.#onForeign();
      return;
    }
    const answer = typeof frame.id === "string" ? this.#waiting.get(frame.id) : undefined;
    if (answer) {
      this.#waiting.delete(String(frame.id));
      answer(frame.data);
    } else if (frame.event !== "pong") this.#options.listener.onEvent(frame.event, frame.data);
  }
}

/** What API Gateway says where a function failed; it does not say for which request. */
const failure = { code: "unavailable", message: "a request failed on the way" };

/** One frame or an array of them; what is no JSON counts as one broken frame. */
function parseFrames(data: unknown): unknown[] {
  try {
    const value: unknown = JSON.parse(String(data));
    return Array.isArray(value) ? value : [value];
  } catch {
    return [data];
  }
}

/** In place of a connection that the platform does not even try, as with a token that no header can hold. */
function refused({ listener }: TransportOptions, cause: unknown): Transport {
  const timer = setTimeout(() => listener.onClose({ message: String(cause) }));
  return { request: () => undefined, close: () => clearTimeout(timer) };
}

export const openManagedTransport: OpenTransport = (options) => {
  const { url, token } = options;
  try {
    // A browser's WebSocket can send no header of its own: the token goes beside the subprotocol.
    const socket = token === null ? new WebSocket(url) : new WebSocket(url, [SUBPROTOCOL, token]);
    return new ManagedTransport(socket, options);
  } catch (error) {
    return refused(options, error);
  }
};
