/** `@vezta/realtime-cdk`: puts a team's own functions on the real-time platform, from a CDK app in any repository. */
export { DomainEventPublisher, type DomainEventPublisherProps } from "./domain-event-publisher.ts";
export { RealtimePlatform, type RealtimePlatformOptions } from "./realtime-platform.ts";
export type { HintQueue, PublisherPlatform } from "./support/publisher-platform.ts";
