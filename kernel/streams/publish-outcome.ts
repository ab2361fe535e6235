import type { Stream } from "../../contract/stream.ts";
import { describeUnit } from "../../contract/time-units.ts";
import { MAXIMUM_BODY_BYTES, type PreparedHeader } from "./prepare-message.ts";
import { InvalidMessageError, PublisherClockError, StateBaseError, VersionAheadError } from "./publish-errors.ts";

/** The message was not published, because a newer state is out already. */
export interface StaleOutcome {
  readonly status: "stale";
  readonly version: number;
  /** The version of the state that is out. */
  readonly heldVersion: number;
  /** The epoch of that version, if it has one. Where it is not the message's, it has replaced that one. */
  readonly heldEpoch?: string;
  /** Since when only older states have come, by Redis's clock, in ms since 1970. */
  readonly staleSince: number;
  /** The length of that run, by the same clock, in ms. */
  readonly staleForMs: number;
}

/** The outcome of one message. `duplicate` and `stale` are successes: it, or a newer state, is out already. */
export type PublishOutcome =
  | { readonly status: "published"; readonly id: string }
  | { readonly status: "duplicate" }
  | StaleOutcome
  | { readonly status: "failed"; readonly error: Error };

/** Names a stream in logs and errors, the channel and the key. */
export const describeStream = ({ channel, key }: Stream): string => (key === undefined ? channel : `${channel} ${key}`);

const describeSubject = ({ stream, entity }: PreparedHeader): string =>
  entity === "" ? describeStream(stream) : `${describeStream(stream)} (${entity})`;

const inSeconds = (milliseconds: number): string => `${Math.round(Math.abs(milliseconds) / 100) / 10} s`;

/** Builds the error for a version that is not a time near Redis's. */
function versionError(message: PreparedHeader, now: number, maximumClockSkewMs: number): InvalidMessageError {
  const { version } = message;
  const subject = `${describeSubject(message)}: version ${version}`;
  const expected = `expected a time in milliseconds since 1970, at most ${inSeconds(maximumClockSkewMs)} ahead of Redis`;
  const epoch = "send versionEpoch if it is a sequence number";
  const unit = describeUnit(version);
  if (unit !== "") return new InvalidMessageError(`${subject} ${unit}: ${expected}; ${epoch}`);
  const aheadMs = version - now;
  return new VersionAheadError(
    `${subject} is ${inSeconds(aheadMs)} ahead of Redis: ${expected}; check the producer's clock, or ${epoch}`,
    aheadMs,
  );
}

function mixedError(message: PreparedHeader, heldEpoch: string): InvalidMessageError {
  const held = heldEpoch === "" ? "times" : `numbers of the epoch ${JSON.stringify(decodeURIComponent(heldEpoch))}`;
  const wrong = heldEpoch === "" ? "has a versionEpoch" : "has none";
  return new InvalidMessageError(
    `${describeSubject(message)}: the versions so far are ${held}, and version ${message.version} ${wrong}: ` +
      "send all of them the same way; to change it, reset the stream (npx vezta reset)",
  );
}

function clockError({ stream }: PreparedHeader, now: number, publisherNow: number): PublisherClockError {
  const offset = publisherNow - now;
  return new PublisherClockError(
    `${describeStream(stream)}: this machine's clock is ${inSeconds(offset)} ${offset > 0 ? "ahead of" : "behind"} ` +
      "Redis's, too far to find the sets of seen events: synchronize it",
  );
}

function toStale({ version }: PreparedHeader, [held, since, length, epoch]: readonly string[]): StaleOutcome {
  const heldEpoch = epoch ? { heldEpoch: decodeURIComponent(epoch) } : {};
  const run = { staleSince: Number(since), staleForMs: Number(length) };
  return { status: "stale", version, heldVersion: Number(held), ...run, ...heldEpoch };
}

interface AnswerContext {
  readonly maximumClockSkewMs: number;
  /** The publisher's time of the call, in ms since 1970. */
  readonly publisherNow: number;
}

/** Turns the publish script's result for a message into its outcome. */
export function toOutcome(
  result: string,
  message: PreparedHeader,
  { maximumClockSkewMs, publisherNow }: AnswerContext,
): PublishOutcome {
  if (/^\d/.test(result)) return { status: "published", id: result };
  const [status, ...values] = result.split(" ");
  const [value = ""] = values;
  switch (status) {
    case "duplicate":
      return { status };
    case "stale":
      return toStale(message, values);
    case "time":
      return { status: "failed", error: versionError(message, Number(value), maximumClockSkewMs) };
    case "mixed":
      return { status: "failed", error: mixedError(message, value) };
    case "empty":
      return {
        status: "failed",
        error: new StateBaseError(
          `${describeSubject(message)}: there is no value to change yet: publish the whole value`,
        ),
      };
    case "large":
      return {
        status: "failed",
        error: new InvalidMessageError(
          `${describeSubject(message)}: with the changes, the value may have more than ${MAXIMUM_BODY_BYTES} bytes as JSON: remove rows first`,
        ),
      };
    case "base":
      return {
        status: "failed",
        error: new StateBaseError(
          `${describeSubject(message)}: the newest value is not the one that the changes follow, or it is damaged: publish the whole value`,
        ),
      };
    case "head":
      return {
        status: "failed",
        error: new StateBaseError(
          `${describeSubject(message)}: changes.head.${value} is new, and the value may have rows that do not go with it: publish the whole value`,
        ),
      };
    case "window":
      return { status: "failed", error: clockError(message, Number(value), publisherNow) };
    default:
      return { status: "failed", error: new Error(`${describeStream(message.stream)}: no answer from Redis`) };
  }
}
