import { once } from "node:events";
import { WebSocket } from "ws";
import type { Channel } from "../../contract/channels.ts";
import { SUBPROTOCOL } from "../../contract/endpoints.ts";
import { parseServerFrames, type ServerFrame } from "../../contract/managed-edge.ts";
import type { DataMessage, ErrorMessage, SubscribedMessage } from "../../contract/messages.ts";

/** Joins an answer so far with its next part. */
function joinParts(
  before: SubscribedMessage | undefined,
  { more: _more, ...part }: SubscribedMessage,
): SubscribedMessage {
  if (!before) return part;
  const unrecovered = [...(before.unrecovered ?? []), ...(part.unrecovered ?? [])];
  return {
    ...before,
    ids: { ...before.ids, ...part.ids },
    ...(part.recovered === undefined ? {} : { recovered: part.recovered && before.recovered !== false }),
    ...(unrecovered.length > 0 ? { unrecovered } : {}),
  };
}

/** A WebSocket client of the managed edge that keeps every frame. */
export class EdgeClient {
  readonly socket: WebSocket;
  /** Every frame, in order. */
  readonly frames: ServerFrame[] = [];
  /** The number of messages that the frames came in. */
  posts = 0;
  /** The close code; undefined while the connection is open. */
  closeCode: number | undefined;
  #requests = 0;
  /** Resolvers by the id of the request. */
  readonly #waiting = new Map<unknown, (answer: Record<string, unknown>) => void>();
  /** The parts so far of answers that come in several, by the id of the request. */
  readonly #parts = new Map<unknown, SubscribedMessage>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      this.posts += 1;
      for (const frame of parseServerFrames(data.toString())) {
        this.frames.push(frame);
        if (frame.id !== undefined) this.#settle(frame);
      }
    });
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.closeCode = code;
    });
  }

  /** Resolves a request with its answer; joins the parts of one that comes in several. */
  #settle(frame: ServerFrame): void {
    const before = this.#parts.get(frame.id);
    const data = frame.event === "subscribed" ? joinParts(before, frame.data) : frame.data;
    if (frame.event === "subscribed" && frame.data.more) this.#parts.set(frame.id, joinParts(before, frame.data));
    else this.#waiting.get(frame.id)?.({ ...data });
  }

  get messages(): DataMessage[] {
    return this.frames.flatMap((frame) => (frame.event === "data" ? [frame.data as DataMessage] : []));
  }

  get errors(): ErrorMessage[] {
    return this.frames.flatMap((frame) => (frame.event === "error" ? [frame.data] : []));
  }

  of(channel: Channel): DataMessage[] {
    return this.messages.filter((message) => message.channel === channel);
  }

  ids(channel: Channel): string[] {
    return this.of(channel).map(({ id }) => id);
  }

  /** Sends a request and resolves with the answer to it. */
  ask(event: string, data?: unknown): Promise<Record<string, unknown>> {
    this.#requests += 1;
    const id = this.#requests;
    this.socket.send(JSON.stringify({ event, data, id }));
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
    });
  }

  /** As `ask`, again while the answer is `unavailable`: a slow machine runs into the functions' own time limits. */
  async askUntilAvailable(event: string, data?: unknown): Promise<Record<string, unknown>> {
    for (;;) {
      const answer = await this.ask(event, data);
      if (answer.code !== "unavailable") return answer;
    }
  }

  close(): void {
    this.socket.close();
  }
}

export interface EdgeClientOptions {
  readonly token?: string | undefined;
  /** The way the token is sent. @default "protocol" */
  readonly by?: "protocol" | "query";
}

/** Connects; rejects with the HTTP status in the message where the connection is refused. */
export async function connectEdgeClient(url: string, options: EdgeClientOptions = {}): Promise<EdgeClient> {
  const { token, by = "protocol" } = options;
  const protocols = token === undefined || by === "query" ? [SUBPROTOCOL] : [SUBPROTOCOL, token];
  const query = token !== undefined && by === "query" ? `?token=${encodeURIComponent(token)}` : "";
  const socket = new WebSocket(url + query, protocols);
  const client = new EdgeClient(socket);
  await once(socket, "open");
  return client;
}
