import { join } from "node:path";
import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc } from "aws-cdk-lib/aws-ec2";
import { Archive, EventBus } from "aws-cdk-lib/aws-events";
import { AccountPrincipal, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Stream, StreamEncryption, StreamMode } from "aws-cdk-lib/aws-kinesis";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { domainNames, domains } from "../../contract/domain-events.ts";
import type { EnvironmentConfig } from "../config/config.ts";
import { DomainEventPublisher } from "../constructs/domain-event-publisher.ts";
import { PlatformExport } from "../constructs/platform-export.ts";
import type { PublisherPlatform } from "../constructs/support/publisher-platform.ts";
import type { RedisAccess } from "../constructs/support/redis-access.ts";
import { subnetGroups } from "../constructs/support/subnet-groups.ts";
import { ourCode, projectRoot } from "../our-code.ts";
import { busName } from "./support/bus-name.ts";

export interface DomainEventsStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly redis: RedisAccess;
  /**
   * The security group of the VPC's interface endpoints.
   *
   * @default - none: AWS is reached through NAT
   */
  readonly endpoints?: ISecurityGroup | undefined;
  /**
   * The queue of the managed edge.
   *
   * @default - there is no managed edge
   */
  readonly hintQueue?: IQueue | undefined;
  readonly alarmTopic: ITopic;
  readonly config: Pick<EnvironmentConfig, "name" | "events" | "logRetentionDays">;
}

/** The sources of domain events: a bus, a stream for market data, and a publisher function per domain. */
export class DomainEventsStack extends Stack {
  /** For further publishers in this repository; other repositories use `RealtimePlatform.fromEnvironment`. */
  readonly platform: PublisherPlatform;

  constructor(scope: Construct, id: string, props: DomainEventsStackProps) {
    const { vpc, redis, endpoints, hintQueue, alarmTopic, config, ...stackProps } = props;
    super(scope, id, stackProps);
    const bus = new EventBus(this, "Bus", { eventBusName: busName(config.name) });
    acceptFrom(bus, config.events.producerAccounts);
    if (config.events.archiveDays > 0) {
      new Archive(this, "Archive", {
        sourceEventBus: bus,
        description: "The domain events, to replay them",
        eventPattern: { account: [this.account, ...config.events.producerAccounts] },
        retention: Duration.days(config.events.archiveDays),
      });
    }
    const subnets = { subnetGroupName: subnetGroups.compute };
    const egress = { redis, endpoints };
    this.platform = {
      bus,
      network: { vpc, subnets, egress },
      redis: { url: redis.url, password: redis.passwords.publisher },
      hintQueue,
      alarmTopic,
      logRetentionDays: config.logRetentionDays,
      reservedConcurrency: config.events.reservedConcurrency,
      maximumClockSkewMs: config.events.maximumClockSkewMs,
    };
    new PlatformExport(this, "OtherRepositories", {
      environmentName: config.name,
      platform: this.platform,
      ...{ vpc, subnets, egress, hintQueue },
    });
    const stream = this.#createStream(config.events);
    this.#createPublishers(stream);
    new CfnOutput(this, "BusName", {
      value: bus.eventBusName,
      description: "The bus that domains put their events on",
    });
    if (stream) {
      new CfnOutput(this, "StreamName", {
        value: stream.streamName,
        description: "The stream that market data is put into",
      });
    }
  }

  #createPublishers(stream: Stream | undefined): void {
    for (const domain of domainNames) {
      new DomainEventPublisher(this, domain, {
        ...ourCode,
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

/** Allows other accounts to put the events that a domain has, and no others, on the bus. */
function acceptFrom(bus: EventBus, accounts: readonly string[]): void {
  const sources = domainNames.flatMap((domain) => domains[domain].map(({ source }) => source));
  for (const account of accounts) {
    bus.addToResourcePolicy(
      new PolicyStatement({
        sid: `Producer${account}`,
        principals: [new AccountPrincipal(account)],
        actions: ["events:PutEvents"],
        resources: [bus.eventBusArn],
        conditions: { StringEquals: { "events:source": [...new Set(sources)] } },
      }),
    );
  }
}
