import type { Channel } from "../../contract/channels.ts";
import type { HeartbeatMessage } from "../../contract/messages.ts";
import { channelHeartbeat, streamHeartbeat } from "../../kernel/protocol/heartbeat.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import type { StreamHub } from "./stream-hub.ts";
import type { Head } from "./stream-view.ts";

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

/** The ids of one channel's streams that moved since the last round. */
interface Moved {
  readonly channel: Channel;
  readonly ids: Map<string, string>;
}

/** Sends subscribers of whole channels the ids of the streams that moved since the last round. */
function sendChannelHeartbeats(fanOut: FanOut, heads: readonly Head[], lastSentIds: WeakMap<object, string>): void {
  const movedByRoom = new Map<string, Moved>();
  for (const { stream, target, lastId } of heads) {
    const { channel, key } = stream;
    const room = target.channelRoom;
    if (room === undefined || key === undefined) continue;
    const moved = movedByRoom.get(room) ?? { channel, ids: new Map<string, string>() };
    movedByRoom.set(room, moved);
    if (lastSentIds.get(target) !== lastId) moved.ids.set(key, lastId);
    lastSentIds.set(target, lastId);
  }
  for (const [room, { channel, ids }] of movedByRoom) sendHeartbeat(fanOut, room, channelHeartbeat(channel, ids));
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
  const lastSentIds = new WeakMap<object, string>();
  const timers = new Timers(onError);
  const round = async (): Promise<void> => {
    try {
      await hub.checkIndexes();
      const states = [...hub.states];
      const isLevel = await Promise.all(states.map((state) => hub.check(state)));
      const level = states.filter((_, index) => isLevel[index]).flatMap(({ heads }) => [...heads]);
      for (const { stream, target, lastId } of level) {
        sendHeartbeat(fanOut, target.room, streamHeartbeat(stream, lastId));
      }
      sendChannelHeartbeats(fanOut, level, lastSentIds);
    } finally {
      timers.start(round, intervalMs * (0.8 + 0.4 * Math.random()));
    }
  };
  repairAfterReconnections(options, timers);
  timers.start(round, intervalMs);
  return { stop: () => timers.stopAll() };
}
