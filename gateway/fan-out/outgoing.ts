import { NAMESPACE } from "../../contract/endpoints.ts";
import type { DataMessage, HeartbeatMessage, SubscribedMessage } from "../../contract/messages.ts";
import { roomName } from "../../contract/stream.ts";

/** Lengths up to these fit the 7 bits and the 16 bits of a frame's length field (RFC 6455, section 5.2). */
const SHORT_LENGTH = 125;
const MEDIUM_LENGTH = 65_535;

/** First byte of a final text frame, and of one whose message is compressed (RFC 7692, section 6: RSV1). */
const TEXT_FRAME = 0x81;
const COMPRESSED_TEXT_FRAME = 0xc1;

/** The head of an unmasked text frame, as a server sends it. */
export function frameHead(length: number, isCompressed = false): Buffer {
  const first = isCompressed ? COMPRESSED_TEXT_FRAME : TEXT_FRAME;
  if (length <= SHORT_LENGTH) return Buffer.from([first, length]);
  if (length <= MEDIUM_LENGTH) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

type Content =
  | { readonly event: "subscribed"; readonly message: SubscribedMessage }
  | { readonly event: "data"; readonly message: DataMessage }
  | { readonly event: "heartbeat"; readonly message: HeartbeatMessage };

export type OutgoingOptions = Content & {
  /** The newest data of the stream, for one who has to wait: an older value must not follow a newer one. */
  readonly newest?: (() => OutgoingOptions | undefined) | undefined;
  /** Messages of the same name replace each other as long as nobody has them: only the newest one matters. */
  readonly replaces?: string | undefined;
};

/** Both in one, for one who got neither: the newer message, in the older one's place of the chain. */
function merge(older: Content, newer: Content): Content {
  if (older.event === "data" && newer.event === "data") {
    return { event: "data", message: { ...newer.message, prev: older.message.prev } };
  }
  if (older.event === "heartbeat" && newer.event === "heartbeat" && newer.message.ids !== undefined) {
    return { event: "heartbeat", message: { ...newer.message, ids: { ...older.message.ids, ...newer.message.ids } } };
  }
  return newer;
}

/** One message on its way to the sockets of a room. It is encoded once, however many get it. */
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

  /** The Socket.IO packet: type EVENT, namespace, arguments. */
  get text(): string {
    this.#text ??= `2${NAMESPACE},["${this.#content.event}",${JSON.stringify(this.#content.message)}]`;
    return this.#text;
  }

  /** The packet as a WebSocket frame; `4` is Engine.IO's type for a message. */
  get frame(): Buffer {
    if (this.#frame === undefined) {
      const payload = `4${this.text}`;
      const length = Buffer.byteLength(payload);
      const head = frameHead(length);
      this.#frame = Buffer.allocUnsafe(head.length + length);
      head.copy(this.#frame);
      this.#frame.write(payload, head.length);
    }
    return this.#frame;
  }

  /** Takes in a newer message of the same name. Nobody may have got this one yet. */
  absorb({ replaces: _, newest: __, ...newer }: OutgoingOptions): void {
    this.#content = merge(this.#content, newer);
    this.#text = undefined;
    this.#frame = undefined;
  }

  /** This message for one who did not get an older one of the same name. */
  inPlaceOf(older: Outgoing): Outgoing {
    return new Outgoing({ ...merge(older.#content, this.#content), replaces: this.replaces }, this.sequence, this.room);
  }

  /** This message for one who gets the streams of some rooms elsewhere; undefined where nothing is left of it. */
  without(rooms: ReadonlySet<string>): Outgoing | undefined {
    if (this.#content.event !== "heartbeat") return this.room !== undefined && rooms.has(this.room) ? undefined : this;
    const { message } = this.#content;
    if (message.ids === undefined) return this;
    const others = Object.entries(message.ids).filter(
      ([key]) => !rooms.has(roomName({ channel: message.channel, key })),
    );
    const content = { event: "heartbeat", message: { ...message, ids: Object.fromEntries(others) } } as const;
    return new Outgoing({ ...content, replaces: this.replaces }, this.sequence, this.room);
  }
}
