import type { Channel } from "../../contract/channels.ts";
import { MAXIMUM_KEYS } from "../../contract/limits.ts";
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

/** What the subscribers of one whole channel are told in a round. */
interface ChannelRound {
  readonly channel: Channel;
  /** The ids of the streams that moved since the last round. */
  readonly ids: Map<string, string>;
  /** The streams that cannot be served. */
  readonly unavailable: string[];
}

interface RoundHeads {
  /** Of the streams that are level with Redis. */
  readonly level: readonly Head[];
  /** Of those that cannot be served. */
  readonly failed: readonly Head[];
}

/** Sends subscribers of whole channels the ids of the streams that moved since the last round, and what is not live. */
function sendChannelHeartbeats(
  fanOut: FanOut,
  { level, failed }: RoundHeads,
  lastSentIds: WeakMap<object, string>,
): void {
  const rounds = new Map<string, ChannelRound>();
  const roundOf = ({ stream: { channel }, target: { channelRoom } }: Head): ChannelRound | undefined => {
    if (channelRoom === undefined) return undefined;
    const round = rounds.get(channelRoom) ?? { channel, ids: new Map<string, string>(), unavailable: [] };
    rounds.set(channelRoom, round);
    return round;
  };
  for (const head of level) {
    const { stream, target, lastId } = head;
    if (stream.key !== undefined && lastSentIds.get(target) !== lastId) roundOf(head)?.ids.set(stream.key, lastId);
    else roundOf(head);
    lastSentIds.set(target, lastId);
  }
  for (const head of failed) if (head.stream.key !== undefined) roundOf(head)?.unavailable.push(head.stream.key);
  for (const [room, { channel, ids, unavailable }] of rounds) {
    // Without a heartbeat the whole channel shows as not live, which is nearer to the truth than a part of a long list.
    if (unavailable.length > MAXIMUM_KEYS) continue;
    sendHeartbeat(fanOut, room, channelHeartbeat(channel, ids, unavailable));
  }
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
      const failed = states.filter(({ failure }) => failure !== undefined).flatMap(({ heads }) => [...heads]);
      for (const { stream, target, lastId } of level) {
        sendHeartbeat(fanOut, target.room, streamHeartbeat(stream, lastId));
      }
      sendChannelHeartbeats(fanOut, { level, failed }, lastSentIds);
    } finally {
      timers.start(round, intervalMs * (0.8 + 0.4 * Math.random()));
    }
  };
  repairAfterReconnections(options, timers);
  timers.start(round, intervalMs);
  return { stop: () => timers.stopAll() };
}
