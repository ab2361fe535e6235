import * as z from "zod";
import { ChannelError } from "./errors.ts";
import { describeIssue, type ServerToClientEvents } from "./messages.ts";

export { SUBPROTOCOL } from "./endpoints.ts";
export { MAXIMUM_SUBSCRIPTIONS } from "./limits.ts";

const MINUTE_MS = 60_000;

/** API Gateway ends a connection at this age, in ms. */
export const CONNECTION_LIFETIME_MS = 120 * MINUTE_MS;

/** From this age on, in ms, every answer carries a `drain`: the client moves on before API Gateway cuts. */
export const HAND_OVER_AFTER_MS = 110 * MINUTE_MS;

/** API Gateway ends a connection after so much silence, in ms. */
export const IDLE_LIMIT_MS = 10 * MINUTE_MS;

/** How often a client sends `ping`, in ms: twice inside the idle limit, and it is what keeps its rooms known. */
export const PING_INTERVAL_MS = 5 * MINUTE_MS;

/** What a client sends: one frame, JSON. Also the routes of the API; what is none of them goes to `$default`. */
export const requestEvents = ["subscribe", "unsubscribe", "authenticate", "ping"] as const;

export type RequestEvent = (typeof requestEvents)[number];

/** The client's own id of a request: at most 64 characters, or a number. Comes back with the answer. */
const requestId = z.union([z.string().max(64), z.number()]);

export type RequestId = z.infer<typeof requestId>;

const requestFrame = z.object({
  event: z.enum(requestEvents, `event: one of ${requestEvents.join(", ")}`),
  data: z.unknown().optional(),
  id: requestId.optional(),
});

export type RequestFrame = z.infer<typeof requestFrame>;

interface FrameEvents extends ServerToClientEvents {
  /** Answers `ping`; a `heartbeat` for each of the connection's streams follows. */
  pong: (message: Readonly<Record<string, never>>) => void;
}

/** What a client gets: one frame, or a JSON array of frames in their order. */
export type ServerFrame = {
  readonly [E in keyof FrameEvents]: {
    readonly event: E;
    readonly data: Parameters<FrameEvents[E]>[0];
    /** Of the request that this answers. */
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

/** The id of a request whose rest may be anything, so that its refusal can be told from others. */
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
 * The frames in a message of the managed edge; none where it is something else, such as API Gateway's own report of a
 * failed request. What a frame's data holds is up to the event, and is not checked.
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
