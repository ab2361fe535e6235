import type { DataEvent, HeartbeatMessage, SubscribedMessage } from "../../contract/messages.ts";
import { roomName } from "../../contract/stream.ts";
import { mergeDataEvents } from "../../kernel/protocol/state-recovery.ts";
import { encodeEvent, encodeFrame } from "../socket-io/frames.ts";

type Content =
  | { readonly event: "subscribed"; readonly message: SubscribedMessage }
  | { readonly event: "data"; readonly message: DataEvent }
  | { readonly event: "heartbeat"; readonly message: HeartbeatMessage };

export type OutgoingOptions = Content & {
  /**
   * Returns the newest data of the stream. Called where the message had to wait: an older value must not follow a newer
   * one.
   */
  readonly newest?: (() => OutgoingOptions | undefined) | undefined;
  /** Messages of the same name replace each other as long as nobody has them: only the newest one matters. */
  readonly replaces?: string | undefined;
};

/**
 * Merges two messages for a client that got neither: the newer one, in the older one's place of the chain, and of two
 * changes both.
 */
function merge(older: Content, newer: Content): Content {
  if (older.event === "data" && newer.event === "data") {
    // What cannot be merged is sent as it is: its `prev` shows the gap.
    return { event: "data", message: mergeDataEvents(older.message, newer.message) ?? newer.message };
  }
  if (older.event === "heartbeat" && newer.event === "heartbeat" && newer.message.ids !== undefined) {
    return { event: "heartbeat", message: { ...newer.message, ids: { ...older.message.ids, ...newer.message.ids } } };
  }
  return newer;
}

/** One message to the sockets of a room, or to one socket. It is encoded once, however many sockets get it. */
export class Outgoing {
  readonly replaces: string | undefined;
  /** Its place among all messages of this node. */
  readonly sequence: number;
  /** The room of the message's stream, whichever room it goes out in; undefined where it goes to one client. */
  readonly room: string | undefined;
  #content: Content;
  #text: string | undefined;
  #frame: Buffer | undefined;

  constructor({ replaces, newest: _, ...content }: OutgoingOptions, sequence: number, room?: string) {
    this.#content = content;
    this.replaces = replaces;
    this.sequence = sequence;
    this.room = room;
  }

  get isAnswer(): boolean {
    return this.#content.event === "subscribed";
  }

  get isHeartbeat(): boolean {
    return this.#content.event === "heartbeat";
  }

  /** The message as a Socket.IO packet. */
  get text(): string {
    this.#text ??= encodeEvent(this.#content.event, this.#content.message);
    return this.#text;
  }

  /** The packet as a WebSocket frame. */
  get frame(): Buffer {
    this.#frame ??= encodeFrame(this.text);
    return this.#frame;
  }

  /** Merges a newer message of the same name into this one. Call it only while nobody has got this one. */
  absorb({ replaces: _, newest: __, ...newer }: OutgoingOptions): void {
    this.#content = merge(this.#content, newer);
    this.#text = undefined;
    this.#frame = undefined;
  }

  /** Returns this message for a client that did not get an older one of the same name. */
  inPlaceOf(older: Outgoing): Outgoing {
    return new Outgoing({ ...merge(older.#content, this.#content), replaces: this.replaces }, this.sequence, this.room);
  }

  /** Returns this message for a client that gets the streams of some rooms elsewhere; undefined where nothing is left. */
  without(rooms: ReadonlySet<string>): Outgoing | undefined {
    if (this.#content.event !== "heartbeat") return this.room !== undefined && rooms.has(this.room) ? undefined : this;
    const { message } = this.#content;
    if (message.ids === undefined) return this;
    const { channel } = message;
    // The rooms of one kind of subscriber all have the same ending.
    const ending = this.room?.slice(roomName({ channel }).length) ?? "";
    const others = Object.entries(message.ids).filter(([key]) => !rooms.has(`${roomName({ channel, key })}${ending}`));
    const content = { event: "heartbeat", message: { ...message, ids: Object.fromEntries(others) } } as const;
    return new Outgoing({ ...content, replaces: this.replaces }, this.sequence, this.room);
  }
}
