import type { HeartbeatMessage } from "../../contract/messages.ts";
import { roomName } from "../../contract/stream.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import type { StreamHub } from "./stream-hub.ts";
import type { StreamState } from "./stream-state.ts";

/** While Redis is away connections come and go many times a second; one look at all streams covers them. */
const FIRST_LOOK_MS = 100;

/** After a reconnection the subscriptions are confirmed a moment later; a second look covers what came between. */
const SECOND_LOOK_MS = 500;

interface ChecksOptions {
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  readonly pubSub: ShardedPubSub;
  /** Milliseconds between two rounds; each varies by a fifth, so that a fleet does not ask Redis as one. */
  readonly intervalMs: number;
  readonly onError: (error: unknown, stage: string) => void;
}

function send(fanOut: FanOut, room: string, message: HeartbeatMessage): void {
  fanOut.send({ room }, { event: "heartbeat", message, replaces: `heartbeat of ${room}` });
}

/** Tells the subscribers of a level stream its current id. */
function beat(fanOut: FanOut, { stream, lastId }: StreamState): void {
  const marketId = wholeChannelRoom(stream.channel) === undefined ? undefined : stream.key;
  send(fanOut, roomName(stream), { channel: stream.channel, marketId, id: lastId });
}

/** Tells the subscribers of whole channels the ids of the streams that moved since the last round. */
function beatWhole(fanOut: FanOut, states: readonly StreamState[], told: WeakMap<StreamState, string>): void {
  const moved = new Map<StreamState["stream"]["channel"], Map<string, string>>();
  for (const state of states) {
    const { channel, key } = state.stream;
    if (wholeChannelRoom(channel) === undefined || key === undefined) continue;
    const ids = moved.get(channel) ?? new Map<string, string>();
    moved.set(channel, ids);
    if (told.get(state) !== state.lastId) ids.set(key, state.lastId);
    told.set(state, state.lastId);
  }
  for (const [channel, ids] of moved) {
    // `fromEntries` keeps a market of the name `__proto__`; an assignment would not.
    send(fanOut, wholeChannelRoom(channel) ?? "", { channel, ids: Object.fromEntries(ids) });
  }
}

/**
 * Compares every open stream with Redis, again and again, and after every reconnection, and sends heartbeats for those
 * that are level. While Redis cannot be read there are none: clients see that the feed is not live.
 */
export function startChecks({ hub, fanOut, pubSub, intervalMs, onError }: ChecksOptions): { stop(): void } {
  const told = new WeakMap<StreamState, string>();
  const timers = new Set<NodeJS.Timeout>();

  const later = (task: () => Promise<void>, delay: number): NodeJS.Timeout => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      task().catch((error) => onError(error, "check"));
    }, delay);
    timers.add(timer);
    return timer;
  };

  const round = async (): Promise<void> => {
    try {
      await hub.checkIndexes();
      const states = [...hub.states];
      const level = await Promise.all(states.map((state) => hub.check(state)));
      const fresh = states.filter((_, index) => level[index]);
      for (const state of fresh) beat(fanOut, state);
      beatWhole(fanOut, fresh, told);
    } finally {
      later(round, intervalMs * (0.8 + 0.4 * Math.random()));
    }
  };

  let first: NodeJS.Timeout | undefined;
  let second: NodeJS.Timeout | undefined;
  pubSub.onReconnected(() => {
    if (!first || !timers.has(first)) first = later(() => hub.repairAll(), FIRST_LOOK_MS);
    if (second) {
      clearTimeout(second);
      timers.delete(second);
    }
    second = later(() => hub.repairAll(), SECOND_LOOK_MS);
  });
  later(round, intervalMs);
  return {
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
