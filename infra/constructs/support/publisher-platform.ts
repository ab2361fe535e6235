import type { IEventBus } from "aws-cdk-lib/aws-events";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { FunctionNetwork } from "./function-network.ts";

/** The queue in which publishers leave hints for the managed edge: "this stream has news". */
export interface HintQueue {
  /** The value of the environment variable; CloudFormation may omit it at deploy. */
  readonly queueUrl: string;
  /** Allows a function to send hints. */
  grantSendMessages(grantee: IFunction): void;
}

/**
 * The resources and settings that all publishers of an environment share. Inside this repository
 * `DomainEventsStack.platform`, in another one `RealtimePlatform.fromEnvironment`.
 */
export interface PublisherPlatform {
  readonly bus: IEventBus;
  readonly network: FunctionNetwork;
  readonly redis: {
    /** `rediss://<host>:<port>` of the cluster's configuration endpoint. */
    readonly url: string;
    /** The password of the Redis user `publisher`. */
    readonly password: ISecret;
  };
  readonly alarmTopic: ITopic;
  readonly logRetentionDays: number;
  /**
   * Limit, in ms, on how far ahead of Redis's clock a version that is a time may be. The same for all publishers of a
   * stream.
   */
  readonly maximumClockSkewMs: number;
  /**
   * The most invocations of one publisher at a time.
   *
   * @default - the account's limit
   */
  readonly reservedConcurrency?: number | undefined;
  /**
   * The queue of the managed edge.
   *
   * @default - there is no managed edge
   */
  readonly hintQueue?: HintQueue | undefined;
}
