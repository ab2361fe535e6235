import type { Cluster, Redis } from "ioredis";
import * as z from "zod";
import { GATEWAY_DETAILS, GATEWAYS } from "./control-keys.ts";

/** Seconds after which a gateway that has not announced itself again counts as gone. */
const LEASE_SECONDS = 20;

const announcement = z.object({
  /** The ECS task's id; elsewhere host and process. */
  id: z.string(),
  state: z.enum(["ready", "not ready", "draining"]),
  connections: z.int(),
  rooms: z.int(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
});

/** What a gateway says about itself every few seconds. */
export type GatewayAnnouncement = z.infer<typeof announcement>;

const ANNOUNCE = `
local now = tonumber(redis.call('TIME')[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ${LEASE_SECONDS})) do redis.call('HDEL', KEYS[2], id) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${LEASE_SECONDS})
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
`;

const LIST = `
local now = tonumber(redis.call('TIME')[1])
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now - ${LEASE_SECONDS}, '+inf')) do
  found[#found + 1] = redis.call('HGET', KEYS[2], id) or ''
end
return found
`;

/** Announces a gateway; it counts as running for {@link LEASE_SECONDS} from now. */
export async function announceGateway(redis: Redis | Cluster, details: GatewayAnnouncement): Promise<void> {
  await redis.eval(ANNOUNCE, 2, GATEWAYS, GATEWAY_DETAILS, details.id, JSON.stringify(details));
}

/** Withdraws the announcement of a gateway that ends. */
export async function withdrawGateway(redis: Redis | Cluster, id: string): Promise<void> {
  await Promise.all([redis.zrem(GATEWAYS, id), redis.hdel(GATEWAY_DETAILS, id)]);
}

function parseAnnouncement(text: string): GatewayAnnouncement | undefined {
  try {
    return announcement.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Resolves with the gateways that run, by id. */
export async function listGateways(redis: Redis | Cluster): Promise<readonly GatewayAnnouncement[]> {
  const texts = z.array(z.string()).parse(await redis.eval(LIST, 2, GATEWAYS, GATEWAY_DETAILS));
  return texts.flatMap((text) => parseAnnouncement(text) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1));
}
