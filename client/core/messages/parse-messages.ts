import { ChannelError } from "../../../contract/errors.ts";
import { ENTRY_ID } from "../../../contract/ids.ts";
import { isRecord } from "../../../contract/is-record.ts";
import type {
  AuthenticatedMessage,
  DataEvent,
  ErrorMessage,
  HeartbeatMessage,
  SubscribedMessage,
} from "../../../contract/messages.ts";
import { isErrorCode } from "./error-traits.ts";

type Fields = Readonly<Record<string, unknown>>;

const isOptional = (value: unknown, type: "string" | "boolean"): boolean =>
  value === undefined || typeof value === type;

const isIdMap = (value: unknown): boolean =>
  value === undefined || (isRecord(value) && Object.values(value).every((id) => typeof id === "string"));

/** True for a list of texts, or none at all. */
const isTextList = (value: unknown = []): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

const hasChannel = (value: unknown): value is Fields => isRecord(value) && typeof value.channel === "string";

/*
 * The publisher checked each payload against the contract, so these parsers check only the fields that the client itself
 * uses: the schemas' library would be most of the bundle.
 */

const isId = (value: unknown): boolean => typeof value === "string" && ENTRY_ID.test(value);

const isChange = (value: unknown): boolean => isRecord(value) && isRecord(value.head) && isRecord(value.rows);

/** Returns the topic of a message, or undefined where it names none. */
export const parseTopic = (value: unknown): { channel: string; marketId?: string } | undefined =>
  hasChannel(value) && isOptional(value.marketId, "string") ? (value as { channel: string }) : undefined;

/** Returns a `data` message, or undefined where the value is malformed. */
export function parseData(value: unknown): DataEvent | undefined {
  const isData =
    hasChannel(value) &&
    isOptional(value.marketId, "string") &&
    (isRecord(value.data) || (isChange(value.changes) && typeof value.sum === "number")) &&
    isId(value.id) &&
    isId(value.prev);
  return isData ? (value as unknown as DataEvent) : undefined;
}

/** Returns a `heartbeat`, or undefined where the value is malformed. */
export function parseHeartbeat(value: unknown): HeartbeatMessage | undefined {
  const isHeartbeat =
    hasChannel(value) &&
    isOptional(value.marketId, "string") &&
    isOptional(value.id, "string") &&
    isIdMap(value.ids) &&
    isTextList(value.unavailable);
  return isHeartbeat ? (value as unknown as HeartbeatMessage) : undefined;
}

/** Returns a reply to `subscribe`, or undefined where the value is malformed or an error. */
export function parseSubscribed(value: unknown): SubscribedMessage | undefined {
  const isSubscribed =
    hasChannel(value) &&
    (typeof value.id === "string" || value.ids !== undefined) &&
    isIdMap(value.ids) &&
    isOptional(value.recovered, "boolean") &&
    isOptional(value.more, "boolean") &&
    isTextList(value.unrecovered);
  return isSubscribed ? (value as unknown as SubscribedMessage) : undefined;
}

/** Returns a reply to `authenticate`, or undefined where the value is malformed or an error. */
export function parseAuthenticated(value: unknown): AuthenticatedMessage | undefined {
  const isAuthenticated = isRecord(value) && (value.sub === null || typeof value.sub === "string");
  return isAuthenticated ? (value as unknown as AuthenticatedMessage) : undefined;
}

/** Returns an `error` message, or undefined where the value is malformed or its code is not in the contract. */
export function parseErrorMessage(value: unknown): ErrorMessage | undefined {
  const isError =
    isRecord(value) &&
    typeof value.code === "string" &&
    isErrorCode(value.code) &&
    typeof value.message === "string" &&
    isOptional(value.channel, "string") &&
    (isOptional(value.marketId, "string") || isTextList(value.marketId));
  return isError ? (value as unknown as ErrorMessage) : undefined;
}

/** Returns the error of an answer, or undefined where it was parsed as a reply. A malformed answer is `internal`. */
export function toError(answer: unknown, reply: object | undefined): ChannelError | undefined {
  if (reply) return undefined;
  const { code, message } = parseErrorMessage(answer) ?? {
    code: "internal",
    message: "malformed answer",
  };
  return new ChannelError(code, message);
}
