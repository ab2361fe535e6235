import { fargateSizes } from "../../../infra/config/fargate-sizes.ts";
import { failed, type Rule, referenceTo } from "../model.ts";
import { gatewayContainerOf } from "./programs.ts";

/** Returns the attributes of a load balancer or target group by their names. */
export const attributesOf = (list: readonly { Key: string; Value: string }[] = []): Record<string, string> =>
  Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));

// biome-ignore lint/suspicious/noExplicitAny: as for Resource.properties
const variableOf = (container: any, name: string): string | undefined =>
  container?.Environment?.find((variable: { Name: string }) => variable.Name === name)?.Value;

/** Drain, deregistration and the time until SIGKILL, in this order. */
const STEP_SECONDS = 10;

const taskRule: Rule = (model) =>
  model.ofType("AWS::ECS::TaskDefinition").flatMap((task) => {
    const { Cpu, Memory } = task.properties;
    const { gateway, region } = model.config;
    const container = gatewayContainerOf(task);
    const [nofile] = container?.Ulimits ?? [];
    const drain = Number(variableOf(container, "RT_DRAIN_SECONDS"));
    const image = gateway.image ?? ".dkr.ecr.";
    return failed(task, {
      "has a size that Fargate does not offer": fargateSizes[Number(Cpu)]?.includes(Number(Memory)),
      "has another size than configured": Cpu === String(gateway.cpu) && Memory === String(gateway.memory),
      "has containers that all may fail": container?.Essential === true,
      "listens on another port than it maps": container?.PortMappings?.some(
        (mapping: { ContainerPort: number }) => String(mapping.ContainerPort) === variableOf(container, "RT_PORT"),
      ),
      "maps the port of its metrics": container?.PortMappings?.every(
        (mapping: { ContainerPort: number }) =>
          String(mapping.ContainerPort) !== variableOf(container, "RT_METRICS_PORT"),
      ),
      "does not serve its metrics": variableOf(container, "RT_METRICS_PORT"),
      "may not open a file per connection":
        nofile?.SoftLimit === nofile?.HardLimit &&
        nofile?.SoftLimit > Number(variableOf(container, "RT_MAX_CONNECTIONS")),
      "is killed before it has drained": container?.StopTimeout >= drain + STEP_SECONDS,
      "runs another image than configured": String(container?.Image).includes(
        image.replace(/^\d+\.dkr\.ecr\.[^/]+\//, ""),
      ),
      "writes its log in another region": task.properties.ContainerDefinitions?.every(
        // biome-ignore lint/suspicious/noExplicitAny: as for Resource.properties
        ({ LogConfiguration }: any) => LogConfiguration?.Options?.["awslogs-region"] === region,
      ),
    });
  });

const serviceRule: Rule = (model) =>
  model.ofType("AWS::ECS::Service").flatMap((service) => {
    const p = service.properties;
    const task = model.target(p.TaskDefinition, "AWS::ECS::TaskDefinition");
    const { deploymentBatchPercent, minTasks } = model.config.gateway;
    const [balancer, ...others] = p.LoadBalancers ?? [];
    const container = task && gatewayContainerOf(task);
    const targets = model.target(balancer?.TargetGroupArn, "AWS::ElasticLoadBalancingV2::TargetGroup");
    const listeners = targets
      ? model
          .ofType("AWS::ElasticLoadBalancingV2::Listener")
          .filter(({ properties }) => JSON.stringify(properties).includes(referenceTo(targets)))
      : [];
    return failed(service, {
      "runs no task": task && model.target(p.Cluster, "AWS::ECS::Cluster"),
      "is behind no load balancer, or several": targets && others.length === 0,
      "is reached at a container that is none": balancer?.ContainerName === container?.Name,
      "is reached at a port that the task does not listen on":
        String(balancer?.ContainerPort) === variableOf(container, "RT_PORT"),
      "is sent to by no listener": listeners.length > 0,
      "is created before its listener": listeners.every(({ logicalId }) => service.dependsOn.includes(logicalId)),
      "has a number of tasks that each deploy resets": p.DesiredCount === undefined,
      // ECS rounds down: less than the percentage of one task would let no new task start.
      "starts another number of tasks in a deployment than configured":
        p.DeploymentConfiguration?.MaximumPercent === 100 + Math.max(deploymentBatchPercent, Math.ceil(100 / minTasks)),
      "asks for the health of another target group":
        targets && variableOf(container, "RT_TARGET_GROUP_ARN") === referenceTo(targets),
      "is not spread over the zones again after one was lost": p.AvailabilityZoneRebalancing === "ENABLED",
    });
  });

/** The attributes that an application load balancer's target group has, as the API spells them. */
const targetAttributes = new Set([
  "deregistration_delay.timeout_seconds",
  "stickiness.enabled",
  "stickiness.type",
  "stickiness.lb_cookie.duration_seconds",
  "load_balancing.algorithm.type",
  "slow_start.duration_seconds",
  "load_balancing.cross_zone.enabled",
  "load_balancing.algorithm.anomaly_mitigation",
]);

const targetRule: Rule = (model) =>
  model.ofType("AWS::ElasticLoadBalancingV2::TargetGroup").flatMap((group) => {
    const p = group.properties;
    const attributes = attributesOf(p.TargetGroupAttributes);
    const [task] = model.ofType("AWS::ECS::TaskDefinition");
    const container = task && gatewayContainerOf(task);
    const delay = Number(attributes["deregistration_delay.timeout_seconds"]);
    const { polling } = model.config.gateway;
    return failed(group, {
      "has an attribute that does not exist": Object.keys(attributes).every((key) => targetAttributes.has(key)),
      "cuts clients before they have drained":
        delay >= Number(variableOf(container, "RT_DRAIN_SECONDS")) + STEP_SECONDS && delay <= 3_600,
      "is checked at a path that the gateway does not answer": model.code.healthPaths.includes(p.HealthCheckPath),
      // Which fails when Redis does: ECS would replace every task.
      "is checked for readiness": p.HealthCheckPath === "/healthz",
      "waits longer for an answer than between two": p.HealthCheckTimeoutSeconds < p.HealthCheckIntervalSeconds,
      "has another port than the task": String(p.Port) === variableOf(container, "RT_PORT"),
      "is sticky, or not, against the transports": (attributes["stickiness.enabled"] === "true") === polling,
      "has a stickiness that does not exist": !polling || attributes["stickiness.type"] === "lb_cookie",
      "does not prefer the emptiest task": attributes["load_balancing.algorithm.type"] === "least_outstanding_requests",
      "is in no VPC": model.target(p.VpcId, "AWS::EC2::VPC"),
    });
  });

/** The rules of the gateway: image → port → target group → listener, health, drain, logs. */
export const serviceRules: readonly Rule[] = [taskRule, serviceRule, targetRule];
