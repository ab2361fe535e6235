import * as z from "zod";
import { ChannelError } from "./errors.ts";
import { type DataEvent, describeIssue, type ServerToClientEvents } from "./messages.ts";

const MINUTE_MS = 60_000;

/** API Gateway ends a connection at this age, in ms. */
export const CONNECTION_LIFETIME_MS = 120 * MINUTE_MS;

/** From this age on, in ms, every answer carries a `drain`: the client moves on before API Gateway cuts. */
export const HAND_OVER_AFTER_MS = 110 * MINUTE_MS;

/** API Gateway ends a connection that is idle for this long, in ms. */
export const IDLE_LIMIT_MS = 10 * MINUTE_MS;

/**
 * Interval at which a client sends `ping`, in ms: twice within the idle limit. It renews the leases of the connection's
 * rooms.
 */
export const PING_INTERVAL_MS = 5 * MINUTE_MS;

/** The events of a client's frames, which are JSON. Also the routes of the API; any other event goes to `$default`. */
export const requestEvents = ["subscribe", "unsubscribe", "authenticate", "ping"] as const;

export type RequestEvent = (typeof requestEvents)[number];

/** The id that the client gives a request: at most 64 characters, or a number. The answer repeats it. */
const requestId = z.union([z.string().max(64), z.number()]);

export type RequestId = z.infer<typeof requestId>;

const requestFrame = z.object({
  event: z.enum(requestEvents, `event: one of ${requestEvents.join(", ")}`),
  data: z.unknown().optional(),
  id: requestId.optional(),
});

export type RequestFrame = z.infer<typeof requestFrame>;

interface FrameEvents extends Omit<ServerToClientEvents, "data"> {
  data: (message: DataEvent) => void;
  /** Answers `ping`; a `heartbeat` for each of the connection's streams follows. */
  pong: (message: Readonly<Record<string, never>>) => void;
}

/** A frame for a client, which receives one frame, or a JSON array of frames in their order. */
export type ServerFrame = {
  readonly [E in keyof FrameEvents]: {
    readonly event: E;
    readonly data: Parameters<FrameEvents[E]>[0];
    /** The id of the request that this answers. */
    readonly id?: RequestId | undefined;
  };
}[keyof FrameEvents];

const serverFrame = z.object({ event: z.string(), data: z.looseObject({}), id: requestId.optional() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the id of a request that may be malformed otherwise, for its refusal. */
export function requestIdOf(text: string): RequestId | undefined {
  const parsed = z.object({ id: requestId }).safeParse(parseJson(text));
  return parsed.success ? parsed.data.id : undefined;
}

/** @throws ChannelError `bad_request` with what is wrong. */
export function parseRequestFrame(text: string): RequestFrame {
  const value = parseJson(text);
  if (value === undefined) throw new ChannelError("bad_request", "the message is not JSON");
  const parsed = requestFrame.safeParse(value);
  if (!parsed.success) throw new ChannelError("bad_request", describeIssue(parsed.error));
  return parsed.data;
}

/**
 * Returns the frames in a message of the managed edge; none if it is something else, such as API Gateway's own report of a
 * failed request. The data of a frame is not checked.
 */
export function parseServerFrames(text: string): readonly ServerFrame[] {
  const value = parseJson(text);
  const parsed = z.array(serverFrame).safeParse(Array.isArray(value) ? value : [value]);
  return parsed.success ? (parsed.data as unknown as ServerFrame[]) : [];
}

/**
 * Packs frames into messages, in their order, each of at most `maximum` bytes unless one frame alone is larger. A message
 * of several frames is a JSON array.
 *
 * @param frames JSON texts.
 */
export function packFrames(frames: readonly string[], maximum: number): string[] {
  const messages: string[] = [];
  const encoder = new TextEncoder();
  let pending: string[] = [];
  // Brackets and commas included: one byte, and one more with each frame.
  let size = 1;
  const flush = (): void => {
    if (pending.length > 0) messages.push(pending.length === 1 ? pending.join() : `[${pending.join()}]`);
    pending = [];
    size = 1;
  };
  for (const frame of frames) {
    const length = encoder.encode(frame).length + 1;
    if (size + length > maximum) flush();
    pending.push(frame);
    size += length;
  }
  flush();
  return messages;
}
