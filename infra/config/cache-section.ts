import * as z from "zod";
import { cacheNodeFamilies, isClusterNode } from "./cache-nodes.ts";
import { integer } from "./integer.ts";

/** Redis. */
export const cacheSchema = z.strictObject({
  mode: z
    .enum(["cluster", "serverless"], "must be cluster or serverless")
    .default("cluster")
    .describe(
      "Nodes of a fixed size, or ElastiCache Serverless. Nodes cost the same at any load. Cost: serverless from $6 a month, and by the byte.",
    ),
  nodeType: z
    .string()
    .refine(
      isClusterNode,
      `must be a node type with cluster mode: cache.<family>.<size> of the families ${cacheNodeFamilies.join(", ")}, in a size that the family has, such as cache.t4g.small`,
    )
    .default("cache.t4g.micro")
    .describe(
      "The node type, in mode cluster. The smallest is enough for a trial. Cost a month: t4g.micro $9, m7g.large $92.",
    ),
  shards: integer(1, 90)
    .default(1)
    .describe(
      "The number of shards, in mode cluster. One handles some 40,000 messages a second. Cost: a node and its replicas each.",
    ),
  replicas: integer(0, 5)
    .default(0)
    .describe(
      "The number of replicas of each shard, in other zones, in mode cluster. One survives the loss of a zone. Cost: a node per shard each.",
    ),
  maximumStorageGb: integer(1, 5_000)
    .default(5)
    .describe(
      "The storage limit in mode serverless. Caps the bill; at the limit Serverless evicts keys that expire, which are all of ours, where nodes refuse the write. Cost: $60 a GB and month in use.",
    ),
  accessStrings: z
    .enum(["strict", "broad"], "must be strict or broad")
    .default("strict")
    .describe(
      "The rights of the Redis users: strict gives each role its commands and keys, broad gives all of them everything. Only for a first deploy that ElastiCache refuses for the access strings. Cost: none.",
    ),
  snapshotDays: integer(0, 35)
    .default(0)
    .describe(
      "The days for which a daily snapshot is kept. None by default: streams are short-lived, and their sources write them again. Cost: $0.085 a GB and month.",
    ),
  snapshotWindow: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, "must be a time of the day in UTC such as 03:00-04:00")
    .default("03:00-04:00")
    .describe("The hour, in UTC, in which the snapshot is taken; Serverless takes its begin. Cost: none."),
  maintenanceWindow: z
    .string()
    .regex(
      /^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$/,
      "must be a time of the week in UTC such as sun:05:00-sun:06:00",
    )
    .default("sun:05:00-sun:06:00")
    .describe(
      "The hour of the week, in UTC, in which ElastiCache patches nodes, in mode cluster. With replicas it fails over; without any, Redis is away for minutes. Cost: none.",
    ),
});
