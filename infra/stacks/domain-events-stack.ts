import { join } from "node:path";
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc } from "aws-cdk-lib/aws-ec2";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Stream, StreamEncryption, StreamMode } from "aws-cdk-lib/aws-kinesis";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { domainNames, domains } from "../../contract/domain-events.ts";
import type { EnvironmentConfig } from "../config/config.ts";
import { DomainEventPublisher, type PublisherPlatform } from "../constructs/domain-event-publisher.ts";
import { projectRoot } from "../constructs/support/bundling.ts";
import type { RedisAccess } from "../constructs/support/redis-access.ts";
import { busName } from "./support/bus-name.ts";

export interface DomainEventsStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly redis: RedisAccess;
  /** Where there are endpoints in place of NAT. */
  readonly endpoints?: ISecurityGroup | undefined;
  /** Where there is a managed edge. */
  readonly managedEdgeQueue?: IQueue | undefined;
  readonly alarmTopic: ITopic;
  readonly config: Pick<EnvironmentConfig, "name" | "events" | "logRetentionDays">;
}

/** How domain events come in: a bus, a stream for market data, and a publisher function per domain. */
export class DomainEventsStack extends Stack {
  /** For publishers of other teams. */
  readonly platform: PublisherPlatform;

  constructor(scope: Construct, id: string, props: DomainEventsStackProps) {
    const { vpc, redis, endpoints, managedEdgeQueue, alarmTopic, config, ...stackProps } = props;
    super(scope, id, stackProps);
    const bus = new EventBus(this, "Bus", { eventBusName: busName(config) });
    const stream = this.#createStream(config.events);
    this.platform = {
      bus,
      vpc,
      egress: { redis, endpoints },
      managedEdgeQueue,
      alarmTopic,
      logRetentionDays: config.logRetentionDays,
      reservedConcurrency: config.events.reservedConcurrency,
      maximumClockSkewMs: config.events.maximumClockSkewMs,
    };
    for (const domain of domainNames) {
      new DomainEventPublisher(this, domain, {
        platform: this.platform,
        entry: join(projectRoot, "lambdas/publishers", `${domain}.handler.ts`),
        eventPattern: {
          source: [...new Set(domains[domain].map(({ source }) => source))],
          detailType: domains[domain].map(({ detailType }) => detailType),
        },
        channels: domains[domain].map(({ channel }) => channel),
        stream: domain === "market-data" ? stream : undefined,
      });
    }
    new CfnOutput(this, "BusName", { value: bus.eventBusName, description: "Where domains put their events" });
    if (stream) {
      new CfnOutput(this, "StreamName", { value: stream.streamName, description: "Where market data goes" });
    }
  }

  #createStream({ marketStream, marketStreamShards }: EnvironmentConfig["events"]): Stream | undefined {
    if (marketStream === "none") return undefined;
    const capacity =
      marketStream === "on-demand"
        ? { streamMode: StreamMode.ON_DEMAND }
        : { streamMode: StreamMode.PROVISIONED, shardCount: marketStreamShards };
    return new Stream(this, "MarketData", { ...capacity, encryption: StreamEncryption.MANAGED });
  }
}
