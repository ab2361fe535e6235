import type { Cluster } from "ioredis";
import { channelDefinition } from "../../contract/channels.ts";
import { createPublisher } from "../../contract/server/publisher.ts";
import { pubSubChannel, wholeChannelRoom } from "../../contract/server/redis-keys.ts";
import { createIssuer } from "../../local/issuer.ts";
import { type Audience, openAudience } from "./audience.ts";
import { Feed } from "./feed.ts";
import { GatewayFleet } from "./gateway-fleet.ts";
import { type DrillStream, streams } from "./messages.ts";
import { MUTE_USER, RedisSide } from "./redis-side.ts";
import { Truth } from "./truth.ts";
import { until } from "./until.ts";

const GATEWAYS = 3;
const CONNECT_TIMEOUT_MS = 20_000;

/** Everything that a fault can strike: all of it real, on this machine, and the drill's own. */
export interface World {
  readonly redis: RedisSide;
  readonly fleet: GatewayFleet;
  readonly feed: Feed;
  readonly audience: Audience;
  readonly truth: Truth;
  /** The streams on which every message counts. */
  readonly complete: readonly DrillStream[];
  /** At least how many gateways are subscribed to a stream in Redis now. Rejects where Redis cannot be asked. */
  countSubscribers(stream: DrillStream): Promise<number>;
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
export const untilSettled = ({ audience }: World): Promise<void> =>
  until("every client connected and subscribed", CONNECT_TIMEOUT_MS, () =>
    audience.members.every(({ client }) => client.isSettled),
  );

/**
 * Starts Redis, gateways, balancer and clients, and resolves once every client has what it asked for.
 *
 * @param rate messages a second that the feed makes once it is started.
 * @param onStarted hears of every part that has to be ended, as soon as it runs.
 */
export async function startWorld(rate: number, onStarted: (end: () => Promise<void>) => void): Promise<World> {
  const redis = await RedisSide.start();
  onStarted(() => redis.stop());
  const issuer = await createIssuer();
  const environment = { ...issuer.env, RT_REDIS_URL: redis.url, RT_REDIS_CLUSTER: "true" };
  const fleet = await GatewayFleet.start(GATEWAYS, environment);
  onStarted(() => fleet.stop());
  const connections = [redis.connect(), redis.connect(), redis.connect(MUTE_USER), redis.connect()] as const;
  onStarted(async () => {
    for (const connection of connections) connection.disconnect();
  });
  const [first, second, mute, own] = connections;
  const countSubscribers = subscriberCounter(own);
  const feed = new Feed({
    ...{ streams, rate, countSubscribers },
    publishers: [createPublisher(first), createPublisher(second)],
    mutePublisher: createPublisher(mute),
  });
  onStarted(async () => feed.abandon());
  const audience = await openAudience(fleet.port, issuer);
  onStarted(() => audience.close());
  const complete = streams.filter(({ channel }) => channelDefinition(channel).delivery !== "latest");
  const truth = new Truth(own, streams);
  const world = { redis, fleet, feed, audience, truth, complete, countSubscribers };
  await untilSettled(world);
  return world;
}
