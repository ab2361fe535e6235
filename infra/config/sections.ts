import * as z from "zod";
import { authEnvironment } from "../../kernel/env.ts";
import { cacheNodeFamilies, isClusterNode } from "./cache-nodes.ts";
import { fargateCpuUnits } from "./fargate-sizes.ts";

const https = (what: string) => z.url({ protocol: /^https$/, error: `must be an https URL${what}` });

const integer = (minimum: number, maximum: number) => {
  const error = `must be a whole number from ${minimum} to ${maximum}`;
  return z.int(error).min(minimum, error).max(maximum, error);
};

export const networkSchema = z.strictObject({
  cidr: z
    .cidrv4("must be an IPv4 range, such as 10.20.0.0/16")
    .regex(/\/(16|17|18|19)$/, "must be of size /16 to /19, such as 10.20.0.0/16")
    .default("10.20.0.0/16")
    .describe("Addresses of the VPC. Change it where the VPC is to be peered with one that has them. Cost: none."),
  availabilityZones: integer(2, 6)
    .default(2)
    .describe("Zones that everything spreads over. A load balancer needs two. Cost: public addresses, $3.65 each."),
  egress: z
    .enum(["nat-instance", "nat-gateway", "endpoints"], "must be nat-instance, nat-gateway or endpoints")
    .default("nat-instance")
    .describe(
      "The way out to AWS and to the token issuer's keys. An instance is the cheapest and has no spare; endpoints leave no way to the internet, so auth.jwks must be given. Cost a month: instance $10, gateway $37 and $0.045 a GB, endpoints $29 a zone.",
    ),
  natDevices: integer(1, 6)
    .default(1)
    .describe("NAT instances or gateways. One per zone survives the loss of a zone. Cost: as egress says, each."),
});

export const cacheSchema = z.strictObject({
  mode: z
    .enum(["cluster", "serverless"], "must be cluster or serverless")
    .default("cluster")
    .describe(
      "Nodes of a known size, or ElastiCache Serverless. Nodes cost the same whatever passes through them. Cost: serverless from $6 a month, and by the byte.",
    ),
  nodeType: z
    .string()
    .refine(
      isClusterNode,
      `must be a node type with cluster mode: cache.<family>.<size> of the families ${cacheNodeFamilies.join(", ")}, in a size that the family has, such as cache.t4g.small`,
    )
    .default("cache.t4g.micro")
    .describe("The node, in mode cluster. The smallest carries a trial. Cost a month: t4g.micro $9, m7g.large $92."),
  shards: integer(1, 90)
    .default(1)
    .describe(
      "Parts that the streams are spread over, in mode cluster. One carries some 40,000 messages a second. Cost: a node and its replicas each.",
    ),
  replicas: integer(0, 5)
    .default(0)
    .describe(
      "Copies of each shard in other zones, in mode cluster. One survives the loss of a zone. Cost: a node per shard each.",
    ),
  maximumStorageGb: integer(1, 5_000)
    .default(5)
    .describe("Upper bound in mode serverless. Guards against a surprise. Cost: $60 a GB and month in use."),
});

export const gatewaySchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      "Whether there are Socket.IO gateways on Fargate, with their load balancer. Off: managedEdge alone serves clients. Cost a month: $31 with the smallest task.",
    ),
  image: z
    .string()
    .regex(
      /^[\w.-]+(:\d+)?(\/[\w.-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/,
      "must be an image such as <registry>/<name>:<tag>",
    )
    .optional()
    .describe("A built image. None: cdk deploy builds gateway/Dockerfile, for which it needs Docker. Cost: none."),
  cpu: z
    .union(
      fargateCpuUnits.map((units) => z.literal(units)),
      `must be one of ${fargateCpuUnits.join(", ")}`,
    )
    .default(256)
    .describe(
      "CPU units of a task; 1,024 are one vCPU, and the gateway cannot use more than one. Cost: $23.64 a vCPU and month.",
    ),
  memory: integer(512, 30_720)
    .default(512)
    .describe("MiB of a task. Some 20 KB a connection. Cost: $2.60 a GiB and month."),
  minTasks: integer(1, 500)
    .default(1)
    .describe("Tasks that always run. One per zone survives the loss of a zone. Cost: a task each."),
  maxTasks: integer(1, 500)
    .default(4)
    .describe("Tasks that autoscaling may start. Bounds the bill. Cost: only while they run."),
  maxConnections: integer(100, 60_000)
    .default(10_000)
    .describe(
      "Connections of one task; new tasks start at 70 %. Below the limit of open files. Cost: fewer means more tasks.",
    ),
  cpuTarget: integer(10, 90)
    .default(55)
    .describe(
      "Percent of CPU that autoscaling aims at. Leaves room for reconnects after a lost task. Cost: lower means more tasks.",
    ),
  drainSeconds: integer(1, 90)
    .default(10)
    .describe(
      "Seconds over which a stopping task sends its clients elsewhere. Longer is gentler on the other tasks. Cost: none.",
    ),
  fanOutWindowMs: integer(0, 100)
    .default(10)
    .describe(
      "Longest time that messages gather on a busy task before they are written. Longer takes less CPU for each. Cost: none.",
    ),
  compression: z
    .boolean()
    .default(false)
    .describe(
      "Whether messages for many clients are compressed, once for all. Bytes to a tenth on market data, for a fifth more CPU. Cost: less; traffic to the internet is $0.09 a GB.",
    ),
  polling: z
    .boolean()
    .default(false)
    .describe(
      "Whether clients may use long polling; the load balancer is then sticky. Off: WebSockets pass nearly everywhere. Cost: none.",
    ),
  corsOrigins: z
    .array(z.union([z.literal("*"), z.url()], "must be an origin such as https://app.example.com, or *"))
    .min(1)
    .default(["*"])
    .describe("Origins that browsers may connect from. The token is what authenticates. Cost: none."),
  logLevel: z
    .enum(["error", "warn", "info", "debug"], "must be error, warn, info or debug")
    .default("info")
    .describe("What the gateway logs. info has a few lines per task, none per message. Cost: $0.50 a GB."),
});

export const managedEdgeSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      "Whether clients may also connect to an API Gateway WebSocket API, which has no server to run. For clients that are idle most of the time: it costs by the message. Cost: $1 a million messages of 32 KB, $0.25 a million minutes of connections, and functions, queue and table.",
    ),
  accountLogRole: z
    .boolean()
    .default(true)
    .describe(
      "Whether API Gateway is given a role for its logs, once for the whole account and region. A new account has none and could not deploy the access log; set it to false where another stack of yours gives it. Cost: none.",
    ),
  requestsPerSecond: integer(1, 10_000)
    .default(500)
    .describe(
      "Requests of all clients together that the API takes a second, and as many at once; more are refused. Bounds the bill. Cost: only while they come.",
    ),
  fanOutConcurrency: integer(2, 1_000)
    .default(10)
    .describe(
      "Most runs of the fan-out at a time, each with some thousand posts a second. A new account has ten runs of all functions in all. Cost: only while they run.",
    ),
  windowMs: integer(0, 5_000)
    .default(0)
    .describe(
      "Milliseconds for which a run of the fan-out rests after a batch that was not full, so that what comes meanwhile goes out together. Helps with few runs at a time (fanOutConcurrency 2). Cost: fewer messages to pay for.",
    ),
});

export const eventsSchema = z.strictObject({
  marketStream: z
    .enum(["none", "provisioned", "on-demand"], "must be none, provisioned or on-demand")
    .default("none")
    .describe(
      "The Kinesis stream for market ticks; the bus takes them as well, without their order. Cost a month: provisioned $11 a shard, on-demand from $29.",
    ),
  marketStreamShards: integer(1, 200)
    .default(1)
    .describe("Shards where provisioned: 1,000 records or 1 MB a second each. Cost: $11 a month each."),
  reservedConcurrency: integer(1, 1_000)
    .optional()
    .describe(
      "Most runs of one publisher at a time. None, since a new account has ten in all and could not deploy it. Cost: none.",
    ),
  maximumClockSkewMs: integer(0, 3_600_000)
    .default(60_000)
    .describe(
      "Milliseconds that the time of a price, order or portfolio may be ahead of Redis's clock; one further ahead is refused, since all later ones would be older than it. Cost: none.",
    ),
});

export const authSchema = z.strictObject({
  issuer: https(", the iss of the tokens")
    .optional()
    .describe(
      "An existing OIDC issuer. None: a Cognito user pool is made. Cost: Cognito is free up to 10,000 users a month.",
    ),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe("The aud of the tokens, or the app client of a Cognito issuer. Required with issuer. Cost: none."),
  jwksUri: https("")
    .optional()
    .describe("Where the issuer's keys are, if not at <issuer>/.well-known/jwks.json. Cost: none."),
  jwks: authEnvironment.shape.RT_AUTH_JWKS.describe(
    "The issuer's keys themselves. Needed with egress endpoints; a change of keys is then a deploy. Cost: none.",
  ),
});

export const edgeSchema = z.strictObject({
  type: z
    .enum(["alb", "cloudfront"], "must be alb or cloudfront")
    .default("alb")
    .describe(
      "What clients connect to: the load balancer, or CloudFront before it, which has wss without a domain of one's own. Cost: CloudFront's traffic instead of AWS's, $0.085 a GB, the first TB a month free.",
    ),
  domainName: z
    .string()
    .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, "must be a domain name such as realtime.example.com")
    .optional()
    .describe(
      "The name that clients use, with certificateArn. None: plain HTTP, or CloudFront's own name. Cost: none.",
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
      "The Route 53 zone that is to get the record of domainName, with hostedZoneName. None: you make the record. Cost: $0.50 a month.",
    ),
  hostedZoneName: z.string().min(1).optional().describe("The name of that zone. Cost: none."),
  allowedCidrs: z
    .array(z.cidrv4("must be an IPv4 range such as 203.0.113.0/24"))
    .min(1)
    .default(["0.0.0.0/0"])
    .describe("Who may reach the load balancer, with type alb. Everyone, since clients are everywhere. Cost: none."),
});
