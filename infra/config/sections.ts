import * as z from "zod";
import { authEnvironment } from "../../kernel/env.ts";
import { DEFAULT_CLOCK_SKEW_MS } from "../../kernel/streams/stream-clock.ts";
import { fargateCpuUnits } from "./fargate-sizes.ts";
import { integer } from "./integer.ts";

const https = (what: string) => z.url({ protocol: /^https$/, error: `must be an https URL${what}` });

export const gatewaySchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      "Deploys Socket.IO gateways on Fargate, with their load balancer. If false, only the managed edge serves clients. Cost a month: $31 with the smallest task.",
    ),
  image: z
    .string()
    .regex(
      /^[\w.-]+(:\d+)?(\/[\w.-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/,
      "must be an image such as <registry>/<name>:<tag>",
    )
    .optional()
    .describe(
      "An image that is already built. None: cdk deploy builds gateway/Dockerfile, which needs Docker. Cost: none.",
    ),
  cpu: z
    .union(
      fargateCpuUnits.map((units) => z.literal(units)),
      `must be one of ${fargateCpuUnits.join(", ")}`,
    )
    .default(256)
    .describe(
      "The CPU units of a task; 1,024 are one vCPU, and the gateway cannot use more than one. Cost: $23.64 a vCPU and month.",
    ),
  memory: integer(512, 30_720)
    .default(512)
    .describe("The memory of a task, in MiB. A connection takes some 20 KB. Cost: $2.60 a GiB and month."),
  minTasks: integer(1, 500)
    .default(1)
    .describe("The minimum number of tasks. One per zone survives the loss of a zone. Cost: a task each."),
  maxTasks: integer(1, 500)
    .default(4)
    .describe("The maximum number of tasks. Caps the bill. Cost: only while they run."),
  maxConnections: integer(100, 60_000)
    .default(10_000)
    .describe(
      "The most connections of one task. Autoscaling aims at 70 % of them, or at what the other zones can take when one is lost, if minTasks is at least the number of zones (50 % with 3). Stays below the limit of open files. Cost: fewer means more tasks.",
    ),
  cpuTarget: integer(10, 90)
    .default(55)
    .describe(
      "The CPU percentage that autoscaling aims at, at most; with a task in each zone no more than the others can take when one is lost. Cost: lower means more tasks.",
    ),
  drainSeconds: integer(1, 90)
    .default(10)
    .describe(
      "The seconds over which a stopping task moves its clients to other tasks. Longer spreads the reconnects further. Cost: none.",
    ),
  deploymentBatchPercent: integer(1, 100)
    .default(50)
    .describe(
      "The percentage of the tasks that a deployment replaces at a time, at least one. Fewer at a time take longer, and a client may be moved more than once; 100 starts as many new tasks as there are old ones. Cost: none but while it lasts.",
    ),
  fanOutWindowMs: integer(0, 100)
    .default(10)
    .describe(
      "The longest time, in ms, for which a busy task batches messages before it writes them. Longer takes less CPU per message. Cost: none.",
    ),
  wholeValueRate: integer(1, 50)
    .default(4)
    .describe(
      "The most whole values of a book or portfolio that a client without `changes` gets, a second. The SDK asks for changes. Cost: each is as large as the value.",
    ),
  compression: z
    .boolean()
    .default(true)
    .describe(
      "Compresses messages once for all clients that get the same ones, where that pays. Reduces trades to a tenth of the bytes and books to a fiftieth. Cost: less; traffic to the internet is $0.09 a GB.",
    ),
  polling: z
    .boolean()
    .default(false)
    .describe(
      "Allows long polling, with sticky sessions on the load balancer. Off by default, since WebSockets work nearly everywhere. Cost: none.",
    ),
  corsOrigins: z
    .array(z.union([z.literal("*"), z.url()], "must be an origin such as https://app.example.com, or *"))
    .min(1)
    .default(["*"])
    .describe(
      "The origins that browsers may connect from. Authentication does not depend on it: that is the token. Cost: none.",
    ),
  remoteWriteUrl: z
    .string()
    .regex(
      /^https:\/\/aps-workspaces\.[a-z0-9-]+\.amazonaws\.com\/workspaces\/ws-[0-9a-f-]+\/api\/v1\/remote_write$/,
      "must be https://aps-workspaces.<region>.amazonaws.com/workspaces/<id>/api/v1/remote_write",
    )
    .optional()
    .describe(
      "A workspace of Amazon Managed Service for Prometheus to which a container beside each gateway sends all metrics; docs/metrics.md. None: the alarms and the dashboard have those of CloudWatch. Cost: $0.90 for ten million samples, about $2 a task and month, and 128 MiB of each task.",
    ),
  logLevel: z
    .enum(["error", "warn", "info", "debug"], "must be error, warn, info or debug")
    .default("info")
    .describe("The log level of the gateway. info writes a few lines per task and none per message. Cost: $0.50 a GB."),
});

export const managedEdgeSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      "Deploys the managed edge, an API Gateway WebSocket API without servers to run. Suits clients that are idle most of the time, since it is billed by the message. Cost: $1 a million messages of 32 KB, $0.25 a million connection minutes, and functions, queue and table.",
    ),
  accountLogRole: z
    .boolean()
    .default(true)
    .describe(
      "Creates the role with which API Gateway writes its logs, one per account and region. A new account has none and could not deploy the access log; set it to false if another stack of yours creates it. Cost: none.",
    ),
  requestsPerSecond: integer(1, 10_000)
    .default(500)
    .describe(
      "The requests per second of all clients together, and the burst; more are refused. Caps the bill. Cost: only what is used.",
    ),
  fanOutConcurrency: integer(2, 1_000)
    .default(10)
    .describe(
      "The most concurrent invocations of the fan-out, each with some thousand posts a second. A new account may run ten functions at a time in all. Cost: only while they run.",
    ),
  windowMs: integer(0, 5_000)
    .default(0)
    .describe(
      "The milliseconds for which the fan-out waits after a batch that was not full, so that more messages are sent together. Helps with few concurrent invocations (fanOutConcurrency 2). Cost: lower, with fewer messages.",
    ),
});

export const eventsSchema = z.strictObject({
  marketStream: z
    .enum(["none", "provisioned", "on-demand"], "must be none, provisioned or on-demand")
    .default("none")
    .describe(
      "The Kinesis stream for market ticks; the bus accepts them as well, but does not keep their order. Cost a month: provisioned $11 a shard, on-demand from $29.",
    ),
  marketStreamShards: integer(1, 200)
    .default(1)
    .describe(
      "The number of shards, if provisioned. Each takes 1,000 records or 1 MB a second. Cost: $11 a month each.",
    ),
  reservedConcurrency: integer(1, 1_000)
    .optional()
    .describe(
      "The reserved concurrency of each publisher. None by default: a new account may run ten functions at a time in all and could not deploy it. Cost: none.",
    ),
  archiveDays: integer(0, 365)
    .default(7)
    .describe(
      "The days for which the bus keeps its events, to replay them; 0 for none. Cost: $0.10 a GB written and $0.023 a GB and month.",
    ),
  maximumClockSkewMs: integer(0, 3_600_000)
    .default(DEFAULT_CLOCK_SKEW_MS)
    .describe(
      "The milliseconds that the time of a price, order or portfolio may be ahead of Redis's clock. One further ahead is refused, since all later ones would be outdated. Cost: none.",
    ),
  producerAccounts: z
    .array(z.string().regex(/^\d{12}$/, "must be an account's number of 12 digits"))
    .default([])
    .describe(
      "The other AWS accounts that may put events of our sources on the bus; those of this account may by their own policies. Cost: none.",
    ),
});

/** The account-wide limit on the monthly bill above which the operators are told. */
export const costSchema = z.strictObject({
  monthlyBudget: integer(1, 10_000_000)
    .optional()
    .describe(
      "The budget of the whole account, in USD a month: alarmEmail is told at 80 % and 100 % of it, and when the forecast exceeds it. None: no budget. Cost: none.",
    ),
});

export const authSchema = z.strictObject({
  issuer: https(", the iss of the tokens")
    .optional()
    .describe(
      "An existing OIDC issuer. None: a Cognito user pool is created. Cost: Cognito is free up to 10,000 users a month.",
    ),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe("The aud of the tokens, or the app client of a Cognito issuer. Required with issuer. Cost: none."),
  jwksUri: https("")
    .optional()
    .describe("The URL of the issuer's keys, if it is not <issuer>/.well-known/jwks.json. Cost: none."),
  jwks: authEnvironment.shape.RT_AUTH_JWKS.describe(
    "The issuer's keys, as JSON. Needed with egress endpoints; a change of keys then takes a deploy. Cost: none.",
  ),
});

export const edgeSchema = z.strictObject({
  type: z
    .enum(["alb", "cloudfront"], "must be alb or cloudfront")
    .default("alb")
    .describe(
      "The endpoint of the gateway: the load balancer, or CloudFront in front of it, which serves wss without a domain of your own and reaches a load balancer that has no public address (a VPC origin). Cost: traffic at CloudFront's price, $0.085 a GB, the first TB a month free.",
    ),
  domainName: z
    .string()
    .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, "must be a domain name such as realtime.example.com")
    .optional()
    .describe(
      "The domain name that clients use, with certificateArn. None: plain HTTP, or CloudFront's own name. Cost: none.",
    ),
  certificateArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/, "must be the ARN of an ACM certificate")
    .optional()
    .describe("The certificate for domainName, in the same region. Cost: none."),
  hostedZoneId: z
    .string()
    .regex(/^Z[A-Z0-9]+$/, "must be the id of a Route 53 zone, such as Z0123456789ABC")
    .optional()
    .describe(
      "The Route 53 zone in which the record of domainName is created, with hostedZoneName. None: you create the record. Cost: $0.50 a month.",
    ),
  hostedZoneName: z.string().min(1).optional().describe("The name of the zone hostedZoneId. Cost: none."),
  allowedCidrs: z
    .array(z.cidrv4("must be an IPv4 range such as 203.0.113.0/24"))
    .min(1)
    .default(["0.0.0.0/0"])
    .describe(
      "The IPv4 ranges that may connect to the load balancer, with type alb. All by default, since clients are everywhere. Cost: none.",
    ),
});
