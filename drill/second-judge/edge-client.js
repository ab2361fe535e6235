import { WebSocket } from "ws";
import { ProtocolClient } from "./protocol-client.js";

/** Far below the five minutes of docs/managed-edge.md: a drill has no time, and each ping is answered by heartbeats. */
const PING_MS = 1_500;

const CONNECT_TIMEOUT_MS = 5_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 1_000;

/** A plain WebSocket on the managed edge: the frames of docs/managed-edge.md. */
export class EdgeClient extends ProtocolClient {
  kind = "websocket";
  #isStopped = false;
  #failures = 0;
  #requestId = 0;

  /** @param {import("./index.d.ts").Plan} plan */
  constructor(plan) {
    super(plan);
    this.plan = plan;
    this.#connect();
    this.pings = setInterval(() => this.#send("ping", undefined), PING_MS);
  }

  get isConnected() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** @param {object} request */
  subscribe(request) {
    this.#requestId += 1;
    this.#send("subscribe", request, this.#requestId);
  }

  reconnect() {
    const { socket } = this;
    // The other end may never answer a close; this side does not wait for it.
    socket?.removeAllListeners("close");
    socket?.removeAllListeners("message");
    socket?.terminate();
    this.onDisconnected();
    this.#connect();
  }

  stop() {
    this.#isStopped = true;
    clearInterval(this.pings);
    super.stop();
    this.socket?.terminate();
  }

  #connect() {
    if (this.#isStopped) return;
    const { url, token } = this.plan;
    const socket = new WebSocket(url, token === undefined ? ["vezta"] : ["vezta", token], {
      handshakeTimeout: CONNECT_TIMEOUT_MS,
    });
    this.socket = socket;
    socket.on("open", () => {
      this.#failures = 0;
      this.onConnected();
    });
    socket.on("message", (text) => this.#onMessage(text.toString()));
    // A failed handshake is followed by "close", where the next attempt begins.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.onDisconnected();
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
      this.#failures += 1;
      setTimeout(() => this.socket === socket && this.#connect(), wait * (0.5 + Math.random() / 2));
    });
  }

  /** @param {string} event @param {object | undefined} data @param {number} [id] */
  #send(event, data, id) {
    if (this.isConnected) this.socket?.send(JSON.stringify({ event, data, id }));
  }

  /** @param {string} text one frame or an array of frames */
  #onMessage(text) {
    const parsed = JSON.parse(text);
    for (const { event, data } of Array.isArray(parsed) ? parsed : [parsed]) {
      // API Gateway's own report of a function that failed has no event; the request then stays without an answer.
      if (event !== undefined) this.onEvent(event, data);
    }
  }
}
