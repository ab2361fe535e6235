import { SUBPROTOCOL } from "../../../contract/endpoints.ts";
import { isRecord } from "../../../contract/is-record.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";
import type { CloseReason, OpenTransport, Transport, TransportOptions } from "./transport.ts";

/** Time without a pong after which the connection counts as dead: in ms, or in ping intervals if that is shorter. */
const PONG_TIMEOUT_MS = 15_000;
const PONG_TIMEOUT_PINGS = 3;

/** Requests whose handlers are kept after the first answer: more parts may follow, or an error that revokes it. */
const REMEMBERED_REQUESTS = 200;

/** The WebSocket close code of a message that is larger than the service accepts. */
const TOO_LARGE = 1_009;

/** The transport of the managed edge: JSON frames over a plain WebSocket. */
class ManagedTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #socket: WebSocket;
  /** Handlers of the requests without an answer, by the id that the answer carries. */
  readonly #waiting = new Map<string, (answer: unknown) => void>();
  /** Handlers of the most recent requests with an answer. */
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
      () => this.#end({ message: `not connected within ${connectTimeoutMs / 1_000} s` }),
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
    // A `close` event follows, which says more: a WebSocket error has no content.
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

  /** Registers the handler of an answer. Returns the id that the answer will carry. */
  #expect(onAnswer: (answer: unknown) => void): string {
    this.#requests += 1;
    const id = String(this.#requests);
    this.#waiting.set(id, onAnswer);
    return id;
  }

  #send(frame: object): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame));
    // Closing may take minutes on a dead link: the next connection sends what this one cannot.
    else setTimeout(() => this.#end({ message: "the connection is closing" }));
  }

  #schedulePing(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ping(), boundedDelay(this.#options.pingIntervalMs));
  }

  #ping(): void {
    this.#send({ event: "ping" });
    const timeout = Math.min(PONG_TIMEOUT_MS, PONG_TIMEOUT_PINGS * this.#options.pingIntervalMs);
    const message = `no answer to a ping within ${timeout / 1_000} s`;
    this.#pongTimer ??= setTimeout(() => this.#end({ message, isDead: true }), timeout);
    this.#schedulePing();
  }

  #onText(data: unknown): void {
    // Any frame shows that the connection is alive.
    clearTimeout(this.#pongTimer);
    this.#pongTimer = undefined;
    for (const frame of parseFrames(data)) {
      if (this.#isClosed) return;
      this.#onFrame(frame);
    }
  }

  /** Fails all requests without an answer: API Gateway reported an error, which does not say for which request. */
  #onGatewayError(): void {
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
    if (!isRecord(frame) || typeof frame.event !== "string") {
      this.#onGatewayError();
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

/** The answer to each request that may be the one that failed inside API Gateway. */
const failure = { code: "unavailable", message: "API Gateway error" };

/** Parses one frame or an array of them. Text that is not JSON counts as one malformed frame. */
function parseFrames(data: unknown): unknown[] {
  try {
    const value: unknown = JSON.parse(String(data));
    return Array.isArray(value) ? value : [value];
  } catch {
    return [data];
  }
}

/** Returns a transport that reports the failure: the platform refused to connect, as with a token no header can hold. */
function failed({ listener }: TransportOptions, cause: unknown): Transport {
  const timer = setTimeout(() => listener.onClose({ message: String(cause) }));
  return { request: () => undefined, probe: () => undefined, close: () => clearTimeout(timer) };
}

/** Opens the transport of the managed edge. */
export const openManagedTransport: OpenTransport = (options) => {
  const { url, token } = options;
  try {
    // A browser's WebSocket cannot set headers, so the token goes into Sec-WebSocket-Protocol beside the subprotocol.
    const socket = token === null ? new WebSocket(url) : new WebSocket(url, [SUBPROTOCOL, token]);
    return new ManagedTransport(socket, options);
  } catch (error) {
    return failed(options, error);
  }
};
