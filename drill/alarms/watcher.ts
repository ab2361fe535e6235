import { io, type Socket } from "socket.io-client";
import { NAMESPACE } from "../../contract/endpoints.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { createMessage, named } from "../messages.ts";

/** What clients saw during a fault. */
export interface Seen {
  /** Messages that were published, and that could not be. */
  published: number;
  notPublished: number;
  /** Messages that the clients got, all together. */
  received: number;
  /** Connections that ended, and attempts that were refused. */
  ended: number;
  refused: number;
}

const nothing = (): Seen => ({ published: 0, notPublished: 0, received: 0, ended: 0, refused: 0 });

const stream = named({ channel: "market:trades", key: "watched" });

/** A client of each gateway, of which notes are taken, and a publisher that gives them something to get. */
export class Watcher {
  readonly #sockets: Socket[] = [];
  readonly #publisher: Publisher;
  readonly #timer: NodeJS.Timeout;
  #seen = nothing();
  #number = 0;

  constructor(publisher: Publisher, intervalMs: number) {
    this.#publisher = publisher;
    this.#timer = setInterval(() => void this.#publish(), intervalMs);
  }

  /** What was seen since the last `restart`. */
  get seen(): Readonly<Seen> {
    return this.#seen;
  }

  restart(): void {
    this.#seen = nothing();
  }

  /** Connects a stock client, which reconnects on its own. */
  connect(url: string, token?: string): Socket {
    const socket = io(`${url}${NAMESPACE}`, {
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: 300,
      reconnectionDelayMax: 600,
      auth: token === undefined ? {} : { token },
    });
    socket.on("connect", () => socket.emit("subscribe", { channel: stream.channel, marketId: stream.key }));
    socket.on("data", () => (this.#seen.received += 1));
    socket.on("disconnect", (reason) => (this.#seen.ended += reason === "io client disconnect" ? 0 : 1));
    socket.on("connect_error", () => (this.#seen.refused += 1));
    this.#sockets.push(socket);
    return socket;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.disconnect();
  }

  async #publish(): Promise<void> {
    this.#number += 1;
    try {
      const [outcome] = await this.#publisher.publish([createMessage(stream, this.#number)]);
      if (outcome?.status === "published") this.#seen.published += 1;
      else this.#seen.notPublished += 1;
    } catch {
      this.#seen.notPublished += 1;
    }
  }
}
