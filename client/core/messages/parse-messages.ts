import { ChannelError, errorCodes } from "../../../contract/errors.ts";
import type {
  AuthenticatedMessage,
  DataMessage,
  ErrorMessage,
  HeartbeatMessage,
  SubscribedMessage,
} from "../../../contract/messages.ts";

type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isOptional = (value: unknown, type: "string" | "boolean"): boolean =>
  value === undefined || typeof value === type;

const isIdMap = (value: unknown): boolean =>
  value === undefined || (isObject(value) && Object.values(value).every((id) => typeof id === "string"));

const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === "string");

const hasChannel = (value: unknown): value is Fields => isObject(value) && typeof value.channel === "string";

/*
 * The service is ours and has checked payloads against the contract when they were published, so these look at what the
 * client itself relies on, and at nothing else: the schemas' library would be most of the bundle.
 */

/** @returns undefined for what is no `data` message */
export function parseData(value: unknown): DataMessage | undefined {
  const isData =
    hasChannel(value) &&
    isOptional(value.marketId, "string") &&
    isObject(value.data) &&
    typeof value.id === "string" &&
    typeof value.prev === "string";
  return isData ? (value as unknown as DataMessage) : undefined;
}

/** @returns undefined for what is no `heartbeat` */
export function parseHeartbeat(value: unknown): HeartbeatMessage | undefined {
  const isHeartbeat =
    hasChannel(value) && isOptional(value.marketId, "string") && isOptional(value.id, "string") && isIdMap(value.ids);
  return isHeartbeat ? (value as unknown as HeartbeatMessage) : undefined;
}

/** @returns undefined for what is no answer to `subscribe` */
export function parseSubscribed(value: unknown): SubscribedMessage | undefined {
  const isSubscribed =
    hasChannel(value) &&
    (typeof value.id === "string" || value.ids !== undefined) &&
    isIdMap(value.ids) &&
    isOptional(value.recovered, "boolean") &&
    isOptional(value.more, "boolean") &&
    (value.unrecovered === undefined || isTextList(value.unrecovered));
  return isSubscribed ? (value as unknown as SubscribedMessage) : undefined;
}

/** @returns undefined for what is no answer to `authenticate` */
export function parseAuthenticated(value: unknown): AuthenticatedMessage | undefined {
  const isAuthenticated = isObject(value) && (value.sub === null || typeof value.sub === "string");
  return isAuthenticated ? (value as unknown as AuthenticatedMessage) : undefined;
}

/** @returns undefined for what is no error of the contract */
export function parseErrorMessage(value: unknown): ErrorMessage | undefined {
  const isError =
    isObject(value) &&
    typeof value.code === "string" &&
    Object.hasOwn(errorCodes, value.code) &&
    typeof value.message === "string" &&
    isOptional(value.channel, "string") &&
    (isOptional(value.marketId, "string") || isTextList(value.marketId));
  return isError ? (value as unknown as ErrorMessage) : undefined;
}

/** The error that an answer is, or undefined where it is a reply. What has neither form counts as `internal`. */
export function toError(answer: unknown, reply: object | undefined): ChannelError | undefined {
  if (reply) return undefined;
  const { code, message } = parseErrorMessage(answer) ?? { code: "internal", message: "malformed answer" };
  return new ChannelError(code, message);
}
