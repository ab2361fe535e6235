import { type Connections, type ISecurityGroup, Peer, Port } from "aws-cdk-lib/aws-ec2";
import type { RedisAccess } from "./redis-access.ts";
import { REDIS_PORT } from "./redis-access.ts";

/** What a task or function in the VPC may reach. */
export interface Egress {
  readonly redis: RedisAccess;
  /** Where there are endpoints in place of NAT. */
  readonly endpoints?: ISecurityGroup | undefined;
}

/**
 * Lets something out to Redis and to HTTPS, and nowhere else. It is the consumer that opens the doors: the other way
 * round the stacks would need each other.
 */
export function allowEgress(connections: Connections, { redis, endpoints }: Egress): void {
  connections.allowTo(redis.securityGroup, Port.tcp(REDIS_PORT), "Redis");
  if (endpoints) connections.allowTo(endpoints, Port.tcp(443), "AWS services inside the VPC");
  // Also with endpoints: S3, which holds image layers, has public addresses behind its gateway endpoint.
  connections.allowTo(Peer.anyIpv4(), Port.tcp(443), "AWS services and the token issuer");
}
