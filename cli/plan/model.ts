import { channelDefinition } from "../../contract/channels.ts";
import { isStateChannel } from "../../contract/state/state-formats.ts";
import { COLLECTED_SECONDS, COMPRESSED, CPU, FRAME_BYTES, LIMITS, PRICES, SECONDS_A_MONTH } from "./constants.ts";
import type { ChannelTraffic } from "./traffic.ts";

/** Who gets the traffic. */
export interface Audience {
  readonly connections: number;
  /** Markets that each client subscribes to, on each channel that is split by market. */
  readonly markets: number;
  /** New connections a second. */
  readonly connectsPerSecond: number;
}

interface Demand {
  /** Messages a second that one client gets. */
  readonly perClient: number;
  /** Bytes a second to all clients. */
  readonly plainBytes: number;
  readonly compressedBytes: number;
  /** Messages a second that are published. */
  readonly published: number;
  /** Of all, the messages that one gateway gets, since one user's connections are on one, mostly. */
  readonly publishedPrivate: number;
  readonly publishedStates: number;
  /** Messages a second of the busiest channel, which one shard carries. */
  readonly hottest: number;
}

/** A plan for one edge, a month. */
export interface EdgePlan {
  readonly compressed: boolean;
  /** CPU of all gateways together, in cores. */
  readonly gatewayCores: number;
  readonly tasks: number;
  readonly bytesPerSecond: number;
  readonly dollars: Readonly<Record<"tasks" | "loadBalancer" | "egress", number>>;
}

export interface Plan {
  readonly deliveriesPerSecond: number;
  readonly publishedPerSecond: number;
  readonly gateway: readonly EdgePlan[];
  readonly redis: {
    readonly cores: number;
    readonly shards: number;
    readonly hotShardCores: number;
    readonly dollars: number;
  };
  readonly managedEdge: { readonly postsPerSecond: number; readonly dollars: number };
}

/** Returns what one channel adds. */
function demandOfChannel(each: ChannelTraffic, { connections, markets }: Audience): Demand {
  const { channel, messagesPerSecond, streams, bytes } = each;
  const isPrivate = channelDefinition(channel).access === "private";
  const isState = isStateChannel(channel);
  const perClient = isPrivate
    ? messagesPerSecond
    : messagesPerSecond * Math.min(1, streams === 1 ? 1 : markets / streams);
  const published = isPrivate ? messagesPerSecond * connections : messagesPerSecond;
  const plainBytes = perClient * connections * (bytes + FRAME_BYTES);
  // A private message goes to one client, and is compressed for nobody.
  const share = isPrivate ? 1 : isState ? COMPRESSED.state : COMPRESSED.other;
  return {
    ...{ perClient, plainBytes, compressedBytes: plainBytes * share },
    published: isState ? 0 : published,
    publishedStates: isState ? published : 0,
    publishedPrivate: isPrivate ? published : 0,
    hottest: isPrivate ? 0 : published,
  };
}

function demandOf(traffic: readonly ChannelTraffic[], audience: Audience): Demand {
  const channels = traffic.map((each) => demandOfChannel(each, audience));
  const sum = (field: keyof Demand): number => channels.reduce((total, each) => total + each[field], 0);
  return {
    ...{ perClient: sum("perClient"), plainBytes: sum("plainBytes"), compressedBytes: sum("compressedBytes") },
    ...{
      published: sum("published"),
      publishedStates: sum("publishedStates"),
      publishedPrivate: sum("publishedPrivate"),
    },
    hottest: Math.max(0, ...channels.map(({ hottest }) => hottest)),
  };
}

/** What a gateway does, in µs of CPU a second. */
export interface GatewayWork {
  readonly connections: number;
  /** Messages a second that one client gets. */
  readonly perClient: number;
  /** Messages a second that the gateways get from Redis. */
  readonly messages: number;
  readonly connectsPerSecond: number;
}

/** The messages of one write: a busy gateway collects them for some milliseconds. */
export const messagesPerWrite = (perClient: number): number => Math.max(1, perClient * COLLECTED_SECONDS);

/** Returns the CPU of gateways, in cores. */
export function gatewayCores({ connections, perClient, messages, connectsPerSecond }: GatewayWork): number {
  const deliveries = connections * perClient;
  const writes = deliveries / messagesPerWrite(perClient);
  const microseconds =
    writes * CPU.write + deliveries * CPU.delivery + messages * CPU.message + connectsPerSecond * CPU.connect;
  return microseconds / 1e6;
}

function planGateway(demand: Demand, audience: Audience, compressed: boolean): EdgePlan {
  const { connections, connectsPerSecond } = audience;
  const publicMessages = demand.published + demand.publishedStates - demand.publishedPrivate;
  const factor = compressed ? CPU.compression : 1;
  const coresOf = (tasks: number): number =>
    factor *
    gatewayCores({
      ...{ connections, connectsPerSecond, perClient: demand.perClient },
      messages: publicMessages * tasks + demand.publishedPrivate,
    });
  let tasks = Math.max(2, Math.ceil(connections / LIMITS.taskConnections));
  // Every task gets every message that one of its clients wants; past some size more tasks do not help.
  while (coresOf(tasks) > tasks * LIMITS.taskCpu && tasks < 1_000) tasks += 1;
  const bytesPerSecond = compressed ? demand.compressedBytes : demand.plainBytes;
  const units = Math.max(connections / PRICES.unitConnections, bytesPerSecond / PRICES.unitBytesPerSecond);
  const dollars = {
    tasks: tasks * PRICES.task,
    loadBalancer: PRICES.loadBalancer + units * PRICES.loadBalancerUnit,
    egress: ((bytesPerSecond * SECONDS_A_MONTH) / 1e9) * PRICES.egressGb,
  };
  return { compressed, gatewayCores: coresOf(tasks), tasks, bytesPerSecond, dollars };
}

function planRedis(demand: Demand, tasks: number): Plan["redis"] {
  const { published, publishedPrivate, publishedStates, hottest } = demand;
  const spread = (rate: number, each: number): number => (rate * (each + CPU.toGateway * tasks)) / 1e6;
  // A private message goes to one gateway.
  const saved = (publishedPrivate * CPU.toGateway * (tasks - 1)) / 1e6;
  const cores = spread(published, CPU.publish) + spread(publishedStates, CPU.publishState) - saved;
  const shards = Math.max(1, Math.ceil(cores / LIMITS.shardCpu));
  const hotShardCores = spread(hottest, CPU.publish);
  return { cores, shards, hotShardCores, dollars: shards * 2 * PRICES.redisNode };
}

/** Computes what traffic to an audience takes, and costs a month, on each edge. */
export function plan(traffic: readonly ChannelTraffic[], audience: Audience): Plan {
  const demand = demandOf(traffic, audience);
  const gateway = [false, true].map((compressed) => planGateway(demand, audience, compressed));
  const tasks = gateway[0]?.tasks ?? 1;
  const postsPerSecond = audience.connections * Math.min(demand.perClient, LIMITS.postsPerConnection);
  const minutes = (audience.connections * SECONDS_A_MONTH) / 60;
  return {
    deliveriesPerSecond: demand.perClient * audience.connections,
    publishedPerSecond: demand.published + demand.publishedStates,
    gateway,
    redis: planRedis(demand, tasks),
    managedEdge: {
      postsPerSecond,
      dollars: ((postsPerSecond * SECONDS_A_MONTH) / 1e6) * PRICES.posts + (minutes / 1e6) * PRICES.connectionMinutes,
    },
  };
}
