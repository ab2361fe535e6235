import * as z from "zod";
import { type Channel, channelDefinition, isChannel, isConflated, type Payload } from "./channels.ts";
import { ChannelError, type ErrorCode } from "./errors.ts";
import { ENTRY_ID, FIRST_ID } from "./ids.ts";
import { isRecord } from "./is-record.ts";
import {
  DEPTHS,
  type Depth,
  MAXIMUM_CHANNEL_LENGTH,
  MAXIMUM_KEYS,
  MAXIMUM_RATE,
  MAXIMUM_TOKEN_LENGTH,
} from "./limits.ts";
import { identifier } from "./payloads/primitives.ts";
import type { StateChange } from "./state/state-change.ts";
import { stateFormat } from "./state/state-formats.ts";

const entryId = z.string().regex(ENTRY_ID, "an entry id has the form <milliseconds>-<number>");

/** Ids by market. Not a record of zod: that silently drops a market named `__proto__`. */
const idsByMarket = z.custom<Record<string, unknown>>(isRecord).transform((value, context) => {
  const ids = new Map<string, string>();
  for (const [market, id] of Object.entries(value)) {
    for (const { success, error } of [identifier.safeParse(market), entryId.safeParse(id)]) {
      if (!success) context.addIssue({ code: "custom", message: describeIssue(error), path: [market] });
    }
    if (typeof id === "string") ids.set(market, id);
  }
  return ids;
});

const channelRequest = z.object({
  channel: z.string("channel is missing or not a string").max(MAXIMUM_CHANNEL_LENGTH),
  marketId: z.union([identifier, z.array(identifier).min(1).max(MAXIMUM_KEYS)]).optional(),
});

const subscribeRequest = channelRequest.extend({
  /**
   * Resume after this id: the entries since are delivered before live messages. `0-0` asks for all that is held. For
   * several streams (a list of markets, or a whole channel) a map of ids by market, or `0-0`.
   */
  lastId: z.union([entryId, idsByMarket]).optional(),
  /** On a `latest` or `state` channel: maximum values per second and market, the newest ones. 1 to 50. */
  maxRate: z.int().min(1).max(MAXIMUM_RATE).optional(),
  /** On a `state` channel: true for the whole value first and what changed from then on, in place of whole values. */
  changes: z.boolean().optional(),
  /** On `market:orderbook`, for named markets: the number of price levels a side, the best ones. */
  depth: z.literal(DEPTHS, `must be one of ${DEPTHS.join(", ")}`).optional(),
});

const authenticateRequest = z.object({
  /** A new token, or null to go on anonymously. */
  token: z.string("token is missing or not a string").min(1).max(MAXIMUM_TOKEN_LENGTH).nullable(),
});

/** A request for one channel, checked against the contract. `keys` are its markets; absent means the whole channel. */
export interface UnsubscribeRequest {
  readonly channel: Channel;
  readonly marketId?: string | readonly string[];
  readonly keys?: readonly string[];
}

export interface SubscribeRequest extends UnsubscribeRequest {
  /** The id to resume after, or the ids by market if the request has several streams. */
  readonly lastId?: string | ReadonlyMap<string, string>;
  /** Maximum values per second and stream. */
  readonly maxRate?: number;
  /** True to get changes in place of whole values. */
  readonly changes?: boolean;
  /** Number of rows a side; absent for all of them. */
  readonly depth?: Depth;
}

export type AuthenticateRequest = z.infer<typeof authenticateRequest>;

/** Describes the first problem of a value that did not parse: its path and what is wrong. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return "is not valid";
  return issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message;
}

/** @throws ChannelError `bad_request` with what is wrong and where. */
function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new ChannelError("bad_request", describeIssue(result.error));
  return result.data;
}

function checkChannel(request: z.infer<typeof channelRequest>): UnsubscribeRequest {
  const { channel, marketId } = request;
  if (!isChannel(channel)) throw new ChannelError("unknown_channel", "there is no channel of that name");
  if (marketId === undefined) return { channel };
  if (channelDefinition(channel).key !== "marketId") {
    throw new ChannelError("bad_request", `marketId: channel ${channel} is not split by market`);
  }
  return { channel, marketId, keys: typeof marketId === "string" ? [marketId] : [...new Set(marketId)] };
}

/** @throws ChannelError `bad_request` or `unknown_channel`. */
export const parseUnsubscribe = (value: unknown): UnsubscribeRequest => checkChannel(parse(channelRequest, value));

/** Requires a map for several streams, and one id for one stream: ids of different streams do not compare. */
function checkLastId(
  { channel, marketId }: UnsubscribeRequest,
  lastId: NonNullable<z.infer<typeof subscribeRequest>["lastId"]>,
): NonNullable<SubscribeRequest["lastId"]> {
  const hasOneStream = channelDefinition(channel).key !== "marketId" || typeof marketId === "string";
  if (typeof lastId === "string") {
    if (hasOneStream || lastId === FIRST_ID) return lastId;
    throw new ChannelError("bad_request", `lastId: must be ${FIRST_ID} or a map of ids by market here`);
  }
  if (hasOneStream) throw new ChannelError("bad_request", "lastId: must be one id here, not a map");
  if (lastId.size > MAXIMUM_KEYS) throw new ChannelError("bad_request", `lastId: more than ${MAXIMUM_KEYS} entries`);
  return lastId;
}

/** Refuses what the channel's delivery class does not have. */
function checkOptions(
  { channel, keys }: UnsubscribeRequest,
  options: Pick<SubscribeRequest, "maxRate" | "changes" | "depth">,
) {
  const { delivery } = channelDefinition(channel);
  const { maxRate, changes, depth } = options;
  if (maxRate !== undefined && !isConflated(channel)) {
    throw new ChannelError("bad_request", `maxRate: channel ${channel} delivers every message`);
  }
  if (changes && delivery !== "state") {
    throw new ChannelError("bad_request", `changes: channel ${channel} sends whole messages only`);
  }
  if (depth === undefined) return;
  if (!stateFormat(channel)?.limit) throw new ChannelError("bad_request", `depth: channel ${channel} has no depth`);
  if (!keys) throw new ChannelError("bad_request", "depth: needs a marketId, one or a list");
}

/** @throws ChannelError `bad_request` or `unknown_channel`. */
export function parseSubscribe(value: unknown): SubscribeRequest {
  const { lastId, maxRate, changes, depth, ...request } = parse(subscribeRequest, value);
  const checked = checkChannel(request);
  const options = {
    ...(maxRate === undefined ? {} : { maxRate }),
    ...(changes ? { changes } : {}),
    ...(depth === undefined ? {} : { depth }),
  };
  checkOptions(checked, options);
  return { ...checked, ...(lastId === undefined ? {} : { lastId: checkLastId(checked, lastId) }), ...options };
}

/** @throws ChannelError `bad_request`. */
export const parseAuthenticate = (value: unknown): AuthenticateRequest => parse(authenticateRequest, value);

/** The fields of every message of a stream. */
interface StreamMessage<C extends Channel> {
  readonly channel: C;
  /** On a channel that is split by market. */
  readonly marketId?: string;
  /** The publisher's name for the change, if it has one. */
  readonly event?: string;
  /** The entry's id in its stream. */
  readonly id: string;
  /** The id of the entry before it. A receiver whose last `id` differs from `prev` has a gap. */
  readonly prev: string;
  /** On a `state` channel: the sum of the checksums of the value's rows, once the receiver has the message. */
  readonly sum?: number;
  /** On a `state` channel: the value has only so many rows a side. */
  readonly depth?: Depth;
}

/** One entry of a stream, or the whole value of a `state` channel. */
export interface DataMessage<C extends Channel = Channel> extends StreamMessage<C> {
  readonly data: Payload<C>;
}

/**
 * What changed on a `state` channel since the entry `prev`, for subscribers that asked for `changes`. Where the sum of what
 * the receiver then has is not `sum`, it has another value than the publisher, and subscribes again without `lastId`.
 */
export interface ChangesMessage<C extends Channel = Channel> extends StreamMessage<C> {
  readonly changes: StateChange;
  readonly sum: number;
}

/** What a `data` event carries. */
export type DataEvent = DataMessage | ChangesMessage;

/** Answers `subscribe`, as an event and as the acknowledgement. */
export interface SubscribedMessage {
  readonly channel: Channel;
  /** As in the request. */
  readonly marketId?: string | readonly string[] | undefined;
  /** The stream's current id, for a request for one stream: messages that follow are newer. */
  readonly id?: string;
  /** The current ids by market, for a request for several streams. */
  readonly ids?: Readonly<Record<string, string>>;
  /**
   * If the request had a `lastId`: true if everything after it is delivered, false if something in between is no longer
   * held (the current state is delivered instead).
   */
  readonly recovered?: boolean;
  /** The markets of a request for several that could not be recovered. */
  readonly unrecovered?: readonly string[];
  /** On the managed edge: the options of the request that it does not apply. */
  readonly ignored?: readonly "maxRate"[];
  /**
   * On the managed edge: this is one part of the answer, and another one with the same request's id follows. Each part
   * has the `ids`, `recovered` and `unrecovered` of its own streams, whose messages come after it; a `marketId` that is a
   * list is in the first part only. Absent on the last part, and on an answer in one piece.
   */
  readonly more?: boolean;
}

export type UnsubscribedMessage = Pick<SubscribedMessage, "channel" | "marketId">;

/**
 * Refuses a request, or ends a subscription: an error that names a channel while no request for it is unanswered says
 * that nothing of it comes any more.
 */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  /** The channel that the request named, or whose subscription has ended. */
  readonly channel?: string;
  /** The markets as the request named them, or the one whose subscription has ended. */
  readonly marketId?: string | readonly string[];
}

/** Answers `authenticate`. `sub` is null on an anonymous connection. */
export interface AuthenticatedMessage {
  readonly sub: string | null;
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** Sent at intervals while a stream is live, to tell a quiet stream from a frozen feed. */
export interface HeartbeatMessage {
  readonly channel: Channel;
  readonly marketId?: string;
  /** The stream's current id. */
  readonly id?: string;
  /** To subscribers of a whole channel: the current ids of the streams that moved since the last heartbeat. */
  readonly ids?: Readonly<Record<string, string>>;
  /**
   * To subscribers of a whole channel, from the gateway: all markets that cannot be served now, because their values in Redis
   * are damaged. Absent where there is none. The next whole value heals one.
   */
  readonly unavailable?: readonly string[];
}

export type Acknowledge<T> = (answer: T | ErrorMessage) => void;

export interface ClientToServerEvents {
  subscribe: (request: unknown, acknowledge?: Acknowledge<SubscribedMessage>) => void;
  unsubscribe: (request: unknown, acknowledge?: Acknowledge<UnsubscribedMessage>) => void;
  authenticate: (request: unknown, acknowledge?: Acknowledge<AuthenticatedMessage>) => void;
}

export interface ServerToClientEvents {
  /** {@link ChangesMessage} on channels that were subscribed to with `changes`. */
  data: (message: DataMessage) => void;
  subscribed: (message: SubscribedMessage) => void;
  unsubscribed: (message: UnsubscribedMessage) => void;
  authenticated: (message: AuthenticatedMessage) => void;
  error: (message: ErrorMessage) => void;
  heartbeat: (message: HeartbeatMessage) => void;
  drain: (message: { readonly reconnectIn: number }) => void;
  /** If the connection ends without `drain`, the client connects again after a random part of `reconnectIn` ms. */
  retry: (message: { readonly reconnectIn: number }) => void;
}
