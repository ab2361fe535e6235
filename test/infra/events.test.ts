import { join } from "node:path";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { channelDefinition } from "../../contract/channels.ts";
import { domainNames, domains } from "../../contract/domain-events.ts";
import { parseConfig } from "../../infra/config/config.ts";
import { DomainEventPublisher } from "../../infra/constructs/domain-event-publisher.ts";
import { ourCode } from "../../infra/our-code.ts";
import { createSystem } from "../../infra/system.ts";
import { examples } from "../support/messages.ts";
import { matches } from "./event-pattern.ts";
import { context, createApp, root, synthesize } from "./synthesize.ts";

const synthesis = synthesize(context.environments.prod);
const rules = synthesis.ofType("AWS::Events::Rule");

/** Returns the domain whose publisher a resource belongs to. */
const domainOf = (logicalId: string): string | undefined =>
  domainNames.find((domain) => logicalId.startsWith(domain.replaceAll("-", "")));

describe("rules on the bus", () => {
  it.each(examples)("send $DetailType to its own domain, and to no other", ({ Source, DetailType }) => {
    const takers = rules.filter(({ Properties }) =>
      matches(Properties.EventPattern, { source: Source, "detail-type": DetailType }),
    );

    const owner = domainNames.find((domain) => domains[domain].some((event) => event.detailType === DetailType));
    expect(takers.map(({ logicalId }) => domainOf(logicalId))).toEqual([owner]);
    expect(JSON.stringify(takers[0]?.Properties.Targets)).toContain(`${owner?.replaceAll("-", "")}Function`);
  });

  it("match no event outside the contract", () => {
    const event = { source: "vezta.orders", "detail-type": "OrderForgotten" };

    expect(rules.filter(({ Properties }) => matches(Properties.EventPattern, event))).toEqual([]);
  });

  it("are on the bus of the outputs", () => {
    const [bus] = synthesis.ofType("AWS::Events::EventBus");

    expect(rules.map(({ Properties }) => Properties.EventBusName)).toEqual(rules.map(() => ({ Ref: bus?.logicalId })));
    expect(bus?.Properties.Name).toBe("test-realtime");
  });
});

describe.each(domainNames)("retries of %s", (domain) => {
  const windows = domains[domain]
    .map(({ channel }) => channelDefinition(channel).dedupeSeconds)
    .filter((seconds) => seconds > 0);
  const belongs = ({ logicalId }: { readonly logicalId: string }): boolean => domainOf(logicalId) === domain;
  const ofDomain = (type: string) => synthesis.ofType(type).filter(belongs);

  it("end within the channels' dedupe windows", () => {
    const [rule] = ofDomain("AWS::Events::Rule");
    const [invocation] = ofDomain("AWS::Lambda::EventInvokeConfig");
    const [lambda] = ofDomain("AWS::Lambda::Function");

    const delivery = rule?.Properties.Targets[0].RetryPolicy.MaximumEventAgeInSeconds;
    const retries = ofDomain("AWS::SQS::Queue").find(({ Properties }) => Properties.RedrivePolicy);
    const interval = retries?.Properties.VisibilityTimeout;
    const queued = retries?.Properties.RedrivePolicy.maxReceiveCount * interval;
    const runs = invocation?.Properties.MaximumEventAgeInSeconds + lambda?.Properties.Timeout;

    expect(delivery).toBeGreaterThanOrEqual(60);
    expect(interval).toBeGreaterThanOrEqual(6 * lambda?.Properties.Timeout);
    expect(delivery + runs + queued).toBeLessThanOrEqual(Math.min(...windows));
    // And last nearly as long.
    expect(delivery + runs + queued).toBeGreaterThanOrEqual(Math.min(...windows) - 3 * interval);
  });

  it("of a stream end within them too", () => {
    const streams = ofDomain("AWS::Lambda::EventSourceMapping").filter(({ Properties }) => Properties.StartingPosition);
    for (const { Properties } of streams) {
      expect(Properties.MaximumRecordAgeInSeconds).toBeGreaterThan(0);
      expect(Properties.MaximumRecordAgeInSeconds).toBeLessThan(Math.min(...windows));
    }
    expect(streams).toHaveLength(domain === "market-data" ? 1 : 0);
  });
});

describe("a publisher of another team in this repository", { timeout: 600_000 }, () => {
  it("has the same resources as ours, from a pattern, a file and a channel", () => {
    const app = createApp();
    const { domainEvents } = createSystem(app, parseConfig("test", { test: {} }));

    new DomainEventPublisher(domainEvents, "Rewards", {
      platform: domainEvents.platform,
      ...ourCode,
      entry: join(root, "lambdas/publishers/notifications.handler.ts"),
      eventPattern: { source: ["vezta.rewards"], detailType: ["RewardGranted"] },
      channels: ["user:notifications"],
    });

    const template = Template.fromStack(domainEvents);
    template.resourceCountIs("AWS::Lambda::Function", domainNames.length + 1);
    template.resourceCountIs("AWS::Lambda::EventInvokeConfig", domainNames.length + 1);
    template.hasResourceProperties("AWS::Events::Rule", {
      EventPattern: { source: ["vezta.rewards"], "detail-type": ["RewardGranted"] },
      Targets: [{ RetryPolicy: { MaximumEventAgeInSeconds: 21_600 } }],
    });
    const doors = Object.keys(
      template.findResources("AWS::EC2::SecurityGroupIngress", { Properties: { FromPort: 6379 } }),
    );
    expect(doors.filter((logicalId) => logicalId.startsWith("Rewards"))).toHaveLength(1);
  });
});
