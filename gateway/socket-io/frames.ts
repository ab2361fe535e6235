import { NAMESPACE } from "../../contract/endpoints.ts";

/** Lengths up to these fit the 7 bits and the 16 bits of a frame's length field (RFC 6455, section 5.2). */
const SHORT_LENGTH = 125;
const MEDIUM_LENGTH = 65_535;

/** First byte of a final text frame, and of one whose message is compressed (RFC 7692, section 6: RSV1). */
const TEXT_FRAME = 0x81;
const COMPRESSED_TEXT_FRAME = 0xc1;

/** Encodes an event as a Socket.IO packet: type EVENT, namespace, arguments. */
export const encodeEvent = (event: string, argument: unknown): string =>
  `2${NAMESPACE},["${event}",${JSON.stringify(argument)}]`;

/** Encodes a Socket.IO packet as the payload of a WebSocket message; `4` is Engine.IO's type for a message. */
export const encodePayload = (packet: string): string => `4${packet}`;

/** Encodes the head of an unmasked text frame, as a server sends it. */
export function encodeFrameHead(length: number, isCompressed = false): Buffer {
  const first = isCompressed ? COMPRESSED_TEXT_FRAME : TEXT_FRAME;
  if (length <= SHORT_LENGTH) return Buffer.from([first, length]);
  if (length <= MEDIUM_LENGTH) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** Encodes a Socket.IO packet as an uncompressed WebSocket frame. */
export function encodeFrame(packet: string): Buffer {
  const payload = encodePayload(packet);
  const length = Buffer.byteLength(payload);
  const head = encodeFrameHead(length);
  const frame = Buffer.allocUnsafe(head.length + length);
  head.copy(frame);
  frame.write(payload, head.length);
  return frame;
}

/** Returns the payload of an unmasked text frame: the part of it behind the head. */
export function payloadOfFrame(frame: Buffer): Buffer {
  const length = frame[1] ?? 0;
  if (length <= SHORT_LENGTH) return frame.subarray(2);
  return frame.subarray(length === 126 ? 4 : 10);
}
