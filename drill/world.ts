import type { Cluster } from "ioredis";
import { createPublisher } from "../kernel/streams/publisher.ts";
import { pubSubChannel, wholeChannelRoom } from "../kernel/streams/redis-keys.ts";
import { createIssuer } from "../local/issuer.ts";
import { type Audience, openAudience } from "./audience.ts";
import { Feed } from "./feed.ts";
import { attempt } from "./feed-batch.ts";
import { GatewayFleet } from "./gateway-fleet.ts";
import { installGlobalEvents } from "./global-events.ts";
import { type DrillEdge, startDrillEdge } from "./managed-edge.ts";
import { countsNewestOnly, createMessage, type DrillStream, named, streams } from "./messages.ts";
import { MUTE_USER } from "./redis-node.ts";
import { RedisSide } from "./redis-side.ts";
import { SecondAudience } from "./second-audience.ts";
import { streamNameOf } from "./second-judge/index.js";
import { Truth } from "./truth.ts";
import { until } from "./until.ts";

const GATEWAYS = 3;
const CONNECT_TIMEOUT_MS = 300_000;
const PATIENCE_MS = 120_000;

/** Everything that a fault can strike: all of it real, on this machine, and the drill's own. */
export interface World {
  readonly redis: RedisSide;
  readonly fleet: GatewayFleet;
  readonly feed: Feed;
  readonly edge: DrillEdge;
  readonly audience: Audience;
  /** The clients of the second judge. */
  readonly second: SecondAudience;
  readonly truth: Truth;
  /** The streams on which every message counts. */
  readonly complete: readonly DrillStream[];
  /** At least how many gateways are subscribed to a stream in Redis now. Rejects where Redis cannot be asked. */
  countSubscribers(stream: DrillStream): Promise<number>;
  /** Publishes a price of a market that the feed does not know. */
  publishPrice(market: string): Promise<void>;
}

export interface WorldOptions {
  /** Messages a second that the feed makes once it is started. */
  readonly rate: number;
  /** True if the clocks of Redis nodes can be put forward and back, which needs libfaketime. */
  readonly hasClocks: boolean;
  /** Called with the end of every part, as soon as it runs. */
  readonly onStarted: (end: () => Promise<void>) => void;
}

/** Runs where the stream's shard is, which alone knows its subscribers. */
const COUNT_SCRIPT = "return redis.call('PUBSUB', 'SHARDNUMSUB', KEYS[1])[2]";

function subscriberCounter(redis: Cluster): World["countSubscribers"] {
  const count = async (room: string): Promise<number> => Number(await redis.eval(COUNT_SCRIPT, 1, pubSubChannel(room)));
  return async ({ name, channel }) => {
    const whole = wholeChannelRoom(channel);
    const counts = await Promise.all([name, ...(whole === undefined ? [] : [whole])].map(count));
    // A gateway may have both the stream's room and the whole channel's, so the sum would be too much.
    return Math.max(...counts);
  };
}

/** Resolves once every client is connected and has its answers. */
export const untilSettled = ({ audience, second }: World): Promise<void> =>
  until("every client connected and subscribed", CONNECT_TIMEOUT_MS, () => {
    const isSettled = audience.members.every(({ client }) => client.isSettled);
    return isSettled && second.isSettled;
  });

/** The newest message of a stream that was acknowledged before a time, as the second judge asks for it. */
function newestBefore(feed: Feed) {
  const names = new Map(streams.map(({ name, channel, key }) => [streamNameOf(channel, key), name]));
  return (stream: string, time: number): { readonly number: number; readonly offeredAt: number } => {
    const name = names.get(stream);
    const all = name === undefined ? [] : [...feed.acknowledgedOf({ name })];
    const [number = 0, { offeredAt } = { offeredAt: 0 }] =
      all.findLast(([, each]) => each.at < time && !each.isStale) ?? [];
    return { number, offeredAt };
  };
}

interface PublisherOptions extends Pick<WorldOptions, "rate" | "onStarted">, Pick<World, "redis" | "edge"> {}

/** Connects everything that publishes, and the drill itself, to the Redis nodes directly. */
function connectPublishers({ redis, edge, rate, onStarted }: PublisherOptions) {
  const [first, second, mute] = [redis.connect(), redis.connect(), redis.connect({ username: MUTE_USER })];
  // The drill's own questions must not fail because the machine is busy.
  const own = redis.connect({ commandTimeoutMs: PATIENCE_MS });
  onStarted(async () => {
    for (const connection of [first, second, mute, own]) connection.disconnect();
  });
  const publishers = [createPublisher(first, edge), createPublisher(second, edge)] as const;
  const countSubscribers = subscriberCounter(own);
  const feed = new Feed({ streams, rate, countSubscribers, publishers, mutePublisher: createPublisher(mute) });
  onStarted(async () => feed.abandon());
  const publishPrice: World["publishPrice"] = async (market) => {
    const time = Date.now();
    const price = createMessage(named({ channel: "market:prices", key: market }), time, { time });
    // A starved machine misses the deadline of the hints' queue; what is out already is not sent twice.
    await until("a price published", PATIENCE_MS, async () => {
      const [outcome] = await attempt(publishers[0], [price]);
      return outcome?.status !== "failed";
    });
  };
  return { feed, own, publishPrice };
}

/** Starts Redis, gateways, the managed edge and all clients, and resolves once every client has what it asked for. */
export async function startWorld({ rate, hasClocks, onStarted }: WorldOptions): Promise<World> {
  installGlobalEvents();
  const redis = await RedisSide.start(hasClocks);
  onStarted(() => redis.stop());
  const issuer = await createIssuer();
  const environment = { ...issuer.env, RT_REDIS_URL: redis.url, RT_REDIS_CLUSTER: "true" };
  const fleet = await GatewayFleet.start(GATEWAYS, environment);
  onStarted(() => fleet.stop());
  const edge = await startDrillEdge(environment);
  onStarted(() => edge.stop());
  const { feed, own, publishPrice } = connectPublishers({ redis, edge, rate, onStarted });
  const countSubscribers = subscriberCounter(own);
  const audience = await openAudience(fleet.port, issuer);
  onStarted(() => audience.close());
  const ports = { gatewayPort: fleet.port, edgePort: edge.port };
  const judged = await SecondAudience.open({ ...ports, issuer, newestBefore: newestBefore(feed) });
  onStarted(() => judged.close());
  const world: World = {
    ...{ redis, fleet, feed, edge, audience, countSubscribers, publishPrice, second: judged },
    truth: new Truth(own, streams),
    complete: streams.filter((stream) => !countsNewestOnly(stream)),
  };
  await untilSettled(world);
  return world;
}
