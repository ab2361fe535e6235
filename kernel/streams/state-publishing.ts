import type { Cluster, Redis } from "ioredis";
import type { StateChange } from "../../contract/state/state-change.ts";
import { sumAfter } from "../../contract/state/verified-state.ts";
import type { PreparedState } from "./prepare-message.ts";
import type { PublishedStates } from "./published-states.ts";
import { streamKey } from "./redis-keys.ts";
import { type StateUpdate, type WholeBroadcast, writtenRows } from "./script-arguments.ts";
import { DamagedStateError, readState, type StoredState } from "./stored-state.ts";

/** Largest share of a value's rows that a change has: where more of them differ the whole value is sent. */
const MAXIMUM_SHARE = 0.5;

/** The answers of the script where another value is the newest one, or it is damaged, and where Redis has lost it. */
const UNCHANGEABLE: readonly (string | undefined)[] = ["base", "empty"];

/** Calls the script with one update. Resolves with its answer. */
export type CallStateScript = (update: StateUpdate) => Promise<string[]>;

interface StatePublishingOptions {
  readonly redis: Redis | Cluster;
  readonly states: PublishedStates;
  readonly call: CallStateScript;
  /** Sends a whole value to stock Socket.IO servers. */
  readonly broadcast: (whole: WholeBroadcast) => Promise<unknown>;
}

/** An update whose sum is known. */
type ProvenUpdate = StateUpdate & { readonly sum: number };

function wholeUpdate({ format }: PreparedState, value: object): ProvenUpdate {
  const rows = writtenRows(format.difference(format.empty(undefined), value));
  return {
    mode: "whole",
    field: `"data":${JSON.stringify(value)}`,
    base: undefined,
    // As `sumOf` gives it: the value's rows are all of them.
    sum: rows.reduce((sum, { checksum }) => sum + checksum, 0) % 2 ** 32,
    head: format.head(value),
    rows,
  };
}

const changesUpdate = <Sum extends number | undefined>(change: StateChange, sum: Sum, base: string | undefined) => ({
  mode: "changes" as const,
  field: `"changes":${JSON.stringify(change)}`,
  base,
  sum,
  head: change.head,
  rows: writtenRows(change.rows),
});

/** Returns what differs from the newest value; undefined where that is hardly less than the whole value. */
function differenceFrom({ format }: PreparedState, newest: StoredState, value: object): ProvenUpdate | undefined {
  const rows = format.difference(newest.value, value);
  const share = Object.keys(rows).length / Math.max(1, format.count(value));
  if (share > MAXIMUM_SHARE) return undefined;
  return changesUpdate({ head: format.head(value), rows }, sumAfter(format, newest, rows), newest.id);
}

/** The newest value as Redis holds it; undefined where there is none, or a damaged one, which a whole value replaces. */
async function readNewest(redis: Redis | Cluster, { stream }: PreparedState): Promise<StoredState | undefined> {
  try {
    return await readState(redis, stream);
  } catch (error) {
    if (error instanceof DamagedStateError) return undefined;
    throw error;
  }
}

async function publishWhole(message: PreparedState, value: object, options: StatePublishingOptions): Promise<string[]> {
  const send = async (update: ProvenUpdate): Promise<string[]> => {
    const answer = await options.call(update);
    remember(message, answer, { value, sum: update.sum }, options);
    return answer;
  };
  const sendAfter = async (newest: StoredState | undefined): Promise<string[] | undefined> => {
    const answer = await send((newest && differenceFrom(message, newest, value)) ?? wholeUpdate(message, value));
    return UNCHANGEABLE.includes(answer[0]) ? undefined : answer;
  };
  const remembered = options.states.get(streamKey(message.stream));
  return (
    (remembered && (await sendAfter(remembered))) ??
    // Another publisher has published since, or this one has just started.
    (await sendAfter(await readNewest(options.redis, message))) ??
    (await send(wholeUpdate(message, value)))
  );
}

function remember(
  { stream, format }: PreparedState,
  [id = ""]: readonly string[],
  state: Omit<StoredState, "id">,
  { states }: StatePublishingOptions,
): void {
  // A value that was refused, as stale or a duplicate, is not the newest one.
  if (/^\d/.test(id)) states.set(streamKey(stream), { ...state, id }, format);
}

/**
 * Sends stock Socket.IO servers, which cannot put changes together, the value that the new entry led to. Where another
 * entry has followed meanwhile, its publisher does it.
 */
async function broadcastWhole(message: PreparedState, answer: readonly string[], options: StatePublishingOptions) {
  const [id = "", , , prev] = answer;
  if (!prev) return;
  const { redis, states, broadcast } = options;
  const published = states.get(streamKey(message.stream));
  const state = published?.id === id ? published : await readNewest(redis, message);
  if (state?.id === id) await broadcast({ ...state, prev });
}

/**
 * Publishes one message of a `state` channel: of a whole value what differs from the newest one, or all of it where there is
 * none, where it is damaged, or where nearly everything differs.
 *
 * @returns the script's answer.
 */
export async function publishState(message: PreparedState, options: StatePublishingOptions): Promise<string[]> {
  const { content } = message;
  const answer =
    content.kind === "whole"
      ? await publishWhole(message, content.value, options)
      : await options.call(changesUpdate(content.change, undefined, content.base));
  await broadcastWhole(message, answer, options);
  return answer;
}
