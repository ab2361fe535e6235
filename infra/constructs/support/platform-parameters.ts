/** The SSM parameters by which publishers in other repositories find an environment, by the last part of their name. */
export const platformParameters = {
  "vpc-id": "The VPC that publishers run in",
  "subnet-ids": "The subnets that publishers run in, one per availability zone, comma-separated",
  "security-group-id": "The security group of publishers: it may connect to Redis and to AWS",
  "redis-url": "The address of Redis",
  "redis-secret-arn": "The secret with the password of the Redis user publisher",
  "alarm-topic-arn": "The topic that alarms notify",
  "bus-name": "The event bus that domains put their events on",
  "maximum-clock-skew-ms": "How far ahead of Redis's clock a message's time may be, in ms",
  "hint-queue-url": "The queue of the managed edge, or none",
  "hint-queue-arn": "The queue of the managed edge, or none",
} as const;

export type PlatformParameter = keyof typeof platformParameters;

/** The value of a parameter whose subject the environment lacks: SSM accepts no empty value. */
export const ABSENT = "none";

/** Returns the full name of a parameter of an environment. */
export const parameterName = (environmentName: string, parameter: PlatformParameter): string =>
  `/vezta-realtime/${environmentName}/${parameter}`;
