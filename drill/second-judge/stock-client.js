import { io } from "socket.io-client";
import { ProtocolClient } from "./protocol-client.js";

/** A stock socket.io-client on the gateway. Answers are taken from the events, not from acknowledgements. */
export class StockClient extends ProtocolClient {
  kind = "stock";

  /** @param {import("./index.d.ts").Plan} plan */
  constructor(plan) {
    super(plan);
    this.socket = io(`${plan.url}/ws`, {
      transports: ["websocket"],
      auth: plan.token === undefined ? {} : { token: plan.token },
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 1_000,
    });
    this.socket.on("connect", () => this.onConnected());
    this.socket.on("disconnect", (reason) => {
      this.onDisconnected();
      // The only end after which Socket.IO does not come back on its own.
      if (reason === "io server disconnect") this.socket.connect();
    });
    this.socket.on("connect_error", (error) => {
      if (!this.socket.active) this.journal.refused({ channel: "connection" }, error.message);
    });
    this.socket.onAny((event, data) => this.onEvent(event, data));
  }

  get isConnected() {
    return this.socket.connected;
  }

  /** @param {object} request */
  subscribe(request) {
    this.socket.emit("subscribe", request);
  }

  reconnect() {
    this.socket.disconnect();
    this.socket.connect();
  }

  stop() {
    super.stop();
    this.socket.disconnect();
  }
}
