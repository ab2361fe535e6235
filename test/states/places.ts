import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseServerFrames } from "../../contract/managed-edge.ts";
import type { DataEvent, ErrorMessage } from "../../contract/messages.ts";
import { tcpSocketOf } from "../../gateway/socket-io/engine-connection.ts";
import { connectionOf } from "../gateway/fan-out/stalled-client.ts";
import type { InProcessGateway } from "../gateway/in-process.ts";
import type { Answer } from "../support/client.ts";
import type { Edge } from "../support/edge.ts";

/** What fills the kernel's buffers of a connection whose client does not read, piece by piece. */
const FILLER = "x".repeat(262_144);

/** A connection to one of the places that serve clients. */
export interface Connection {
  /** Resolves with the answer; rejects where the connection ends before. */
  ask(event: "subscribe" | "unsubscribe", request: object): Promise<Answer>;
  /** Stops reading, and resolves once what is sent from then on has to wait at the service. */
  stopReading(): Promise<void>;
  readOn(): void;
  /** Ends the connection without a goodbye. */
  end(): void;
  readonly isEnded: boolean;
}

/** What a connection calls. */
export interface Listener {
  onData(message: DataEvent): void;
  /** The service has ended the subscription. */
  onEnded(error: ErrorMessage): void;
}

/** A gateway, or the managed edge. */
export interface Place {
  /** True where a message never comes after the answer to a request that it was sent before. */
  readonly isOrdered: boolean;
  connect(user: string, listener: Listener): Promise<Connection>;
}

type Sign = (user: string) => Promise<string>;

export const gatewayPlace = (gateway: InProcessGateway, sign: Sign): Place => ({
  isOrdered: true,
  async connect(user, { onData, onEnded }) {
    const { client, socket } = await gateway.connect(await sign(user));
    const stream = connectionOf(client);
    const tcp = tcpSocketOf(socket.conn);
    const untyped: { emit(event: string, value: string): void } = socket as never;
    client.socket.on("data", onData);
    client.socket.on("error", onEnded);
    return {
      ask: (event, request) => client.ask(event, request),
      async stopReading() {
        stream.pause();
        while (tcp && !tcp.destroyed && tcp.writableLength === 0) {
          untyped.emit("filler", FILLER);
          await nextTurn();
        }
      },
      readOn: () => void stream.resume(),
      end() {
        client.socket.off();
        stream.destroy();
        client.close();
      },
      get isEnded() {
        return !client.socket.connected;
      },
    };
  },
});

export const edgePlace = (edge: Edge): Place => ({
  // A fan-out and a request are two functions.
  isOrdered: false,
  async connect(user, { onData, onEnded }) {
    const client = await edge.connect({ user });
    const { socket } = client;
    const onMessage = (text: unknown): void => {
      for (const frame of parseServerFrames(String(text))) {
        if (frame.event === "data") onData(frame.data);
        // One with an id is the answer to a request.
        if (frame.event === "error" && frame.id === undefined) onEnded(frame.data);
      }
    };
    socket.on("message", onMessage);
    const closed = once(socket, "close").then((): never => {
      throw new Error("the connection has ended");
    });
    closed.catch(() => undefined);
    return {
      ask: (event, request) => Promise.race([client.askUntilAvailable(event, request), closed]),
      // API Gateway's own buffers hold what a client does not read; no function sees it.
      stopReading: async () => socket.pause(),
      readOn: () => socket.resume(),
      end() {
        socket.off("message", onMessage);
        socket.terminate();
      },
      get isEnded() {
        return socket.readyState !== socket.OPEN;
      },
    };
  },
});
