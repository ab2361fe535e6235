import { type Connections, type ISecurityGroup, Peer, Port } from "aws-cdk-lib/aws-ec2";
import { REDIS_PORT, type RedisAccess } from "./redis-access.ts";

/** Targets that a task or function in the VPC may reach, beside HTTPS. */
export interface Egress {
  readonly redis: Pick<RedisAccess, "securityGroup">;
  /**
   * The security group of the VPC's interface endpoints.
   *
   * @default - none: AWS is reached through NAT
   */
  readonly endpoints?: ISecurityGroup | undefined;
}

/**
 * Allows connections to Redis and to HTTPS, and to nothing else. The consumer adds the rules on both sides: if the
 * owner did, the stacks would depend on each other.
 */
export function allowEgress(connections: Connections, { redis, endpoints }: Egress): void {
  connections.allowTo(redis.securityGroup, Port.tcp(REDIS_PORT), "Redis");
  if (endpoints) connections.allowTo(endpoints, Port.tcp(443), "AWS services inside the VPC");
  // Also with endpoints: S3, which stores image layers, has public addresses behind its gateway endpoint.
  connections.allowTo(Peer.anyIpv4(), Port.tcp(443), "AWS services and the token issuer");
}
