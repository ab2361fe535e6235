import { SUBPROTOCOL } from "../../contract/endpoints.ts";
import { boundedDelay } from "./delay.ts";
import { isObject } from "./frames.ts";
import type { CloseReason, OpenTransport, Transport, TransportOptions } from "./transport.ts";

/** How long an answer to a ping may take before the connection counts as dead: so many ms, or so many pings. */
const PONG_TIMEOUT_MS = 15_000;
const PONG_TIMEOUT_PINGS = 3;

/** Requests whose handlers are kept after their first answer: more of it may come, or an error that takes it back. */
const REMEMBERED_REQUESTS = 200;

/** The close code of a message that is larger than the service takes. */
const TOO_LARGE = 1_009;

/** The managed edge: JSON frames over a plain WebSocket. */
class ManagedTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #socket: WebSocket;
  /** Requests that wait for their answer, by the id that comes back with it. */
  readonly #waiting = new Map<string, (answer: unknown) => void>();
  /** The newest of those that have had an answer. */
  readonly #answered = new Map<string, (answer: unknown) => void>();
  #requests = 0;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout>;
  #pongTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocket, options: TransportOptions) {
    const { connectTimeoutMs } = options;
    this.#options = options;
    this.#socket = socket;
    this.#timer = setTimeout(
      () => this.#end({ message: "the connection was not made in time" }),
      boundedDelay(connectTimeoutMs),
    );
    this.#socket.onopen = () => {
      this.#schedulePing();
      options.listener.onOpen();
    };
    this.#socket.onmessage = ({ data }) => this.#onText(data);
    this.#socket.onclose = ({ code, reason }) => {
      this.#end({ message: reason === "" ? `closed with ${code}` : reason, isTooLarge: code === TOO_LARGE });
    };
    // `close` follows, and says as much: a WebSocket error has no content.
    this.#socket.onerror = () => undefined;
  }

  request(event: string, content: object, onAnswer: (answer: unknown) => void): void {
    this.#send({ event, data: content, id: this.#expect(onAnswer) });
  }

  probe(onAnswer: () => void): void {
    this.#send({ event: "ping", id: this.#expect(onAnswer) });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pongTimer);
    this.#waiting.clear();
    this.#answered.clear();
    this.#socket.close();
  }

  #end(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.listener.onClose(reason);
  }

  /** Takes who waits for an answer. Returns the id that the answer will have. */
  #expect(onAnswer: (answer: unknown) => void): string {
    this.#requests += 1;
    const id = String(this.#requests);
    this.#waiting.set(id, onAnswer);
    return id;
  }

  #send(frame: object): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame));
    // It is closing, which a dead link may take minutes for: what cannot be sent is asked for on the next connection.
    else setTimeout(() => this.#end({ message: "the connection is closing" }));
  }

  #schedulePing(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ping(), boundedDelay(this.#options.pingIntervalMs));
  }

  #ping(): void {
    this.#send({ event: "ping" });
    const timeout = Math.min(PONG_TIMEOUT_MS, PONG_TIMEOUT_PINGS * this.#options.pingIntervalMs);
    this.#pongTimer ??= setTimeout(() => this.#end({ message: "no answer to a ping", isDead: true }), timeout);
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

  #remember(id: string, answer: (answer: unknown) => void): void {
    this.#answered.set(id, answer);
    for (const [oldest] of this.#answered) {
      if (this.#answered.size <= REMEMBERED_REQUESTS) return;
      this.#answered.delete(oldest);
    }
  }

  #onFrame(frame: unknown): void {
    if (!isObject(frame) || typeof frame.event !== "string") {
      this.#onForeign();
      return;
    }
    const id = typeof frame.id === "string" ? frame.id : "";
    const answer = this.#waiting.get(id) ?? this.#answered.get(id);
    if (answer) {
      this.#waiting.delete(id);
      this.#remember(id, answer);
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
  return { request: () => undefined, probe: () => undefined, close: () => clearTimeout(timer) };
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
