import type { Channel } from "../../contract/channels.ts";
import type { HeartbeatMessage } from "../../contract/messages.ts";
import { roomName } from "../../contract/stream.ts";
import { channelHeartbeat, streamHeartbeat } from "../../kernel/protocol/heartbeat.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import type { StreamHub } from "./stream-hub.ts";
import type { StreamState } from "./stream-state.ts";

/** While Redis is away connections come and go many times a second; one repair of all streams covers them. */
const FIRST_REPAIR_MS = 100;

/** After a reconnection the subscriptions are confirmed a moment later; a second repair covers what came between. */
const SECOND_REPAIR_MS = 500;

interface HeartbeatOptions {
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  readonly pubSub: ShardedPubSub;
  /** Milliseconds between two rounds; each varies by a fifth, so that the gateways of a fleet do not all ask at once. */
  readonly intervalMs: number;
  readonly onError: (error: unknown, stage: string) => void;
}

function sendHeartbeat(fanOut: FanOut, room: string, message: HeartbeatMessage): void {
  fanOut.send({ room }, { event: "heartbeat", message, replaces: `heartbeat of ${room}` });
}

/** Sends subscribers of whole channels the ids of the streams that moved since the last round. */
function sendChannelHeartbeats(
  fanOut: FanOut,
  states: readonly StreamState[],
  lastSentIds: WeakMap<StreamState, string>,
): void {
  const moved = new Map<Channel, Map<string, string>>();
  for (const state of states) {
    const { channel, key } = state.stream;
    if (wholeChannelRoom(channel) === undefined || key === undefined) continue;
    const ids = moved.get(channel) ?? new Map<string, string>();
    moved.set(channel, ids);
    if (lastSentIds.get(state) !== state.lastId) ids.set(key, state.lastId);
    lastSentIds.set(state, state.lastId);
  }
  for (const [channel, ids] of moved) sendHeartbeat(fanOut, roomName({ channel }), channelHeartbeat(channel, ids));
}

/** Timers that end together. */
class Timers {
  readonly #onError: HeartbeatOptions["onError"];
  readonly #pending = new Set<NodeJS.Timeout>();

  constructor(onError: HeartbeatOptions["onError"]) {
    this.#onError = onError;
  }

  start(task: () => Promise<void>, delayMs: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      task().catch((error) => this.#onError(error, "check"));
    }, delayMs);
    this.#pending.add(timer);
    return timer;
  }

  isPending(timer: NodeJS.Timeout | undefined): boolean {
    return timer !== undefined && this.#pending.has(timer);
  }

  stop(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(timer);
    if (timer) this.#pending.delete(timer);
  }

  stopAll(): void {
    for (const timer of this.#pending) clearTimeout(timer);
  }
}

function repairAfterReconnections({ hub, pubSub }: HeartbeatOptions, timers: Timers): void {
  let first: NodeJS.Timeout | undefined;
  let second: NodeJS.Timeout | undefined;
  const repair = (): Promise<void> => hub.repairAll();
  pubSub.onReconnected(() => {
    if (!timers.isPending(first)) first = timers.start(repair, FIRST_REPAIR_MS);
    timers.stop(second);
    second = timers.start(repair, SECOND_REPAIR_MS);
  });
}

/**
 * Compares every open stream with Redis, in rounds and after every reconnection, and sends heartbeats for those that are
 * level. While Redis cannot be read there are none: clients see that the feed is not live.
 */
export function startHeartbeats(options: HeartbeatOptions): { stop(): void } {
  const { hub, fanOut, intervalMs, onError } = options;
  const lastSentIds = new WeakMap<StreamState, string>();
  const timers = new Timers(onError);
  const round = async (): Promise<void> => {
    try {
      await hub.checkIndexes();
      const states = [...hub.states];
      const isLevel = await Promise.all(states.map((state) => hub.check(state)));
      const level = states.filter((_, index) => isLevel[index]);
      for (const { stream, lastId } of level) sendHeartbeat(fanOut, roomName(stream), streamHeartbeat(stream, lastId));
      sendChannelHeartbeats(fanOut, level, lastSentIds);
    } finally {
      timers.start(round, intervalMs * (0.8 + 0.4 * Math.random()));
    }
  };
  repairAfterReconnections(options, timers);
  timers.start(round, intervalMs);
  return { stop: () => timers.stopAll() };
}
