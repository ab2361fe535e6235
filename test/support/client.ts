import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { expect } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import type { DataMessage, ErrorMessage, HeartbeatMessage } from "../../contract/messages.ts";

export interface ClientOptions extends Partial<ManagerOptions & SocketOptions> {
  readonly token?: unknown;
}

/** A gateway's answer to a request: a reply or an error. */
export type Answer = Record<string, unknown>;

/** A stock socket.io-client that keeps what it gets. */
export class TestClient {
  readonly socket: Socket;
  readonly messages: DataMessage[] = [];
  readonly errors: ErrorMessage[] = [];
  readonly heartbeats: HeartbeatMessage[] = [];
  /** Every event in its order, with its first argument. */
  readonly events: { readonly name: string; readonly value: unknown }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.onAny((name: string, value: unknown) => this.events.push({ name, value }));
    socket.on("data", (message: DataMessage) => this.messages.push(message));
    socket.on("error", (error: ErrorMessage) => this.errors.push(error));
    socket.on("heartbeat", (heartbeat: HeartbeatMessage) => this.heartbeats.push(heartbeat));
  }

  /** Sends a request and resolves with the acknowledgement. */
  ask(event: string, ...values: unknown[]): Promise<Answer> {
    return this.socket.timeout(15_000).emitWithAck(event, ...values);
  }

  of(channel: Channel): DataMessage[] {
    return this.messages.filter((message) => message.channel === channel);
  }

  /** The ids of a channel's messages, in the order of their arrival. */
  ids(channel: Channel): string[] {
    return this.of(channel).map(({ id }) => id);
  }

  async waitForMessages(channel: Channel, count: number): Promise<DataMessage[]> {
    await expect.poll(() => this.of(channel).length).toBeGreaterThanOrEqual(count);
    return this.of(channel);
  }

  close(): void {
    this.socket.disconnect();
  }
}

/** Connects to the namespace; rejects with the `connect_error`. Without `token` the connection is anonymous. */
export function connectClient(url: string, { token, ...options }: ClientOptions = {}): Promise<TestClient> {
  const socket = io(`${url}/ws`, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    auth: token === undefined ? {} : { token },
    ...options,
  });
  const client = new TestClient(socket);
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(client));
    socket.once("connect_error", (error) => {
      socket.disconnect();
      reject(error);
    });
  });
}
