import type { App, StackProps } from "aws-cdk-lib";
import { Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { EnvironmentConfig } from "./config/config.ts";
import type { TokenIssuer } from "./constructs/support/token-issuer.ts";
import { AlarmStack } from "./stacks/alarm-stack.ts";
import { AuthStack } from "./stacks/auth-stack.ts";
import { CacheStack } from "./stacks/cache-stack.ts";
import { DashboardStack } from "./stacks/dashboard-stack.ts";
import { DomainEventsStack } from "./stacks/domain-events-stack.ts";
import { GatewayStack } from "./stacks/gateway-stack.ts";
import { ManagedEdgeStack } from "./stacks/managed-edge-stack.ts";
import { NetworkStack } from "./stacks/network-stack.ts";
import { RotationStack } from "./stacks/rotation-stack.ts";
import { warnOfExamples } from "./stacks/support/warn-of-examples.ts";

/** The stacks of one environment, for further stacks to take their resources from. */
export interface System {
  readonly network: NetworkStack;
  readonly alarms: AlarmStack;
  readonly cache: CacheStack;
  /** Undefined if an issuer is configured. */
  readonly auth: AuthStack | undefined;
  /** Undefined if it is disabled. */
  readonly gateway: GatewayStack | undefined;
  /** Undefined if it is disabled. */
  readonly managedEdge: ManagedEdgeStack | undefined;
  readonly domainEvents: DomainEventsStack;
  readonly dashboard: DashboardStack;
  /** Undefined if it is disabled. */
  readonly rotation: RotationStack | undefined;
}

/** Creates every stack of an environment, checked by cdk-nag at synth. Each uses only those above it. */
export function createSystem(app: App, config: EnvironmentConfig): System {
  const { name, region, protection } = config;
  const id = (part: string): string => `${name}-realtime-${part}`;
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  Tags.of(app).add("service", "vezta-realtime");
  Tags.of(app).add("environment", name);

  const base: StackProps = { env: { region }, terminationProtection: protection };
  const network = new NetworkStack(app, id("network"), { ...base, config });
  const { vpc, endpointSecurityGroup: endpoints } = network;
  const alarms = new AlarmStack(app, id("alarms"), { ...base, config });
  warnOfExamples(alarms, config);
  const cache = new CacheStack(app, id("cache"), { ...base, vpc, alarmTopic: alarms.topic, config });
  const auth = config.auth.issuer === undefined ? new AuthStack(app, id("auth"), { ...base, config }) : undefined;
  const tokenIssuer = auth?.tokenIssuer ?? ownIssuer(config.auth);
  const shared = { ...base, vpc, redis: cache.access, endpoints, config };
  const alarmTopic = alarms.topic;
  const gateway = config.gateway.enabled
    ? new GatewayStack(app, id("gateway"), { ...shared, tokenIssuer, alarmTopic })
    : undefined;
  const managedEdge = config.managedEdge.enabled
    ? new ManagedEdgeStack(app, id("managed-edge"), { ...shared, tokenIssuer, alarmTopic })
    : undefined;
  const hintQueue = managedEdge?.hintQueue;
  const domainEvents = new DomainEventsStack(app, id("domain-events"), { ...shared, hintQueue, alarmTopic });
  const rotation = config.rotation.enabled
    ? new RotationStack(app, id("rotation"), { ...shared, alarmTopic })
    : undefined;
  // It rotates once as soon as it is there: consumers that read their secret again must be there before it.
  for (const consumer of [gateway, managedEdge, domainEvents]) if (consumer) rotation?.addStackDependency(consumer);
  const watched = [gateway, managedEdge, domainEvents, cache, rotation].filter((stack) => stack !== undefined);
  const dashboard = new DashboardStack(app, id("dashboard"), { ...base, watched, config });
  return { network, alarms, cache, auth, gateway, managedEdge, domainEvents, rotation, dashboard };
}

function ownIssuer({ issuer, audience, ...keys }: EnvironmentConfig["auth"]): TokenIssuer {
  // The rules of the configuration refuse one without the other.
  if (issuer === undefined || audience === undefined) throw new TypeError("auth.issuer and auth.audience go together");
  return { issuer, audience, ...keys };
}
