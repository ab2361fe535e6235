import { describe, expect, it } from "vitest";
import { gatewayContainer, gatewayVariants, only, type Resource, synthesize } from "./synthesize.ts";

/** The gateway's ping, in seconds; test/gateway/image.test.ts reads it from a running gateway. */
const PING_SECONDS = 20;

const attribute = (resource: Resource, list: string, key: string): string | undefined =>
  resource.Properties[list].find(({ Key }: { Key: string }) => Key === key)?.Value;

describe.each(gatewayVariants)("%s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, ofType } = synthesis;
  const { container, environment } = gatewayContainer(synthesis);

  it("gives a drain enough time in the load balancer and in Fargate", () => {
    const delay = Number(
      attribute(
        only(synthesis, "AWS::ElasticLoadBalancingV2::TargetGroup"),
        "TargetGroupAttributes",
        "deregistration_delay.timeout_seconds",
      ),
    );
    const drain = Number(environment.RT_DRAIN_SECONDS);

    expect(drain).toBe(config.gateway.drainSeconds);
    // A task may hear of its deregistration as late as one pause between two polls, which grows with the targets.
    expect(delay).toBeGreaterThanOrEqual(drain + 10 + 2 * 0.4 * config.gateway.maxTasks);
    expect(delay).toBeLessThanOrEqual(3_600);
    expect(container.StopTimeout).toBeGreaterThanOrEqual(drain + 10);
    expect(container.StopTimeout).toBeLessThanOrEqual(120);
  });

  it("lets tasks read their Redis password and the health of targets, write to the workspace if there is one, and nothing else", () => {
    const { logicalId } = only(synthesis, "AWS::ElasticLoadBalancingV2::TargetGroup");
    const { TaskRoleArn } = only(synthesis, "AWS::ECS::TaskDefinition").Properties;
    const [role] = TaskRoleArn["Fn::GetAtt"];
    const statements = ofType("AWS::IAM::Policy")
      .filter(({ Properties }) => Properties.Roles.some(({ Ref }: { Ref: string }) => Ref === role))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
    const workspace = { Action: "aps:RemoteWrite", Effect: "Allow", Resource: expect.anything() };

    expect(environment.RT_TARGET_GROUP_ARN).toEqual({ Ref: logicalId });
    expect(JSON.stringify(environment.RT_REDIS_SECRET_ARN)).toContain("gatewayPassword");
    expect(statements).toHaveLength(config.gateway.remoteWriteUrl === undefined ? 2 : 3);
    expect(statements).toEqual(
      expect.arrayContaining([
        {
          Effect: "Allow",
          Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
          Resource: environment.RT_REDIS_SECRET_ARN,
        },
        { Action: "elasticloadbalancing:DescribeTargetHealth", Effect: "Allow", Resource: "*" },
        ...(config.gateway.remoteWriteUrl === undefined ? [] : [workspace]),
      ]),
    );
  });

  it("replaces tasks in batches that have room for one at least, and keeps all that serve", () => {
    const { DeploymentConfiguration, AvailabilityZoneRebalancing } = only(synthesis, "AWS::ECS::Service").Properties;
    const { minTasks, deploymentBatchPercent } = config.gateway;
    const { MaximumPercent, MinimumHealthyPercent } = DeploymentConfiguration;

    expect(MinimumHealthyPercent).toBe(100);
    expect(MaximumPercent).toBeGreaterThanOrEqual(100 + deploymentBatchPercent);
    expect(Math.floor((minTasks * MaximumPercent) / 100)).toBeGreaterThan(minTasks);
    expect(AvailabilityZoneRebalancing).toBe("ENABLED");
  });

  it("gives a new task the time to reach Redis before failed checks count", () => {
    const { HealthCheckPath, HealthCheckIntervalSeconds, UnhealthyThresholdCount } = only(
      synthesis,
      "AWS::ElasticLoadBalancingV2::TargetGroup",
    ).Properties;

    expect(HealthCheckPath).toBe("/healthz");
    expect(only(synthesis, "AWS::ECS::Service").Properties.HealthCheckGracePeriodSeconds).toBeGreaterThanOrEqual(
      HealthCheckIntervalSeconds * UnhealthyThresholdCount,
    );
  });

  it("passes the fan-out settings to the gateway", () => {
    expect(environment.RT_WHOLE_VALUE_RATE).toBe(String(config.gateway.wholeValueRate));
    expect(environment.RT_FAN_OUT_WINDOW_MS).toBe(String(config.gateway.fanOutWindowMs));
    expect(environment.RT_COMPRESSION).toBe(String(config.gateway.compression));
  });

  it("keeps an idle connection for several pings", () => {
    const idle = Number(
      attribute(
        only(synthesis, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        "LoadBalancerAttributes",
        "idle_timeout.timeout_seconds",
      ),
    );

    expect(idle).toBeGreaterThanOrEqual(3 * PING_SECONDS);
    expect(idle).toBeLessThanOrEqual(4_000);
  });

  it("is sticky only with long polling", () => {
    const sticky = attribute(
      only(synthesis, "AWS::ElasticLoadBalancingV2::TargetGroup"),
      "TargetGroupAttributes",
      "stickiness.enabled",
    );

    expect(environment.RT_TRANSPORTS).toBe(config.gateway.polling ? "websocket,polling" : "websocket");
    expect(sticky).toBe(String(config.gateway.polling));
  });

  it("has a service that starts after its listener, rolls back, and leaves the number of tasks to autoscaling", () => {
    const service = only(synthesis, "AWS::ECS::Service");
    const listeners = [
      ...ofType("AWS::ElasticLoadBalancingV2::Listener"),
      ...ofType("AWS::ElasticLoadBalancingV2::ListenerRule"),
    ];
    const forwarding = listeners.filter(({ Properties }) => JSON.stringify(Properties).includes('"forward"'));

    expect(service.DependsOn).toEqual(expect.arrayContaining(forwarding.map(({ logicalId }) => logicalId)));
    expect(service.Properties.DeploymentConfiguration.DeploymentCircuitBreaker).toEqual({
      Enable: true,
      Rollback: true,
    });
    expect(service.Properties.DesiredCount).toBeUndefined();
  });

  it("scales on connections and CPU, within its limits", () => {
    const target = only(synthesis, "AWS::ApplicationAutoScaling::ScalableTarget").Properties;
    const policies = ofType("AWS::ApplicationAutoScaling::ScalingPolicy").map(
      ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration,
    );
    const connections = policies.find(
      ({ CustomizedMetricSpecification: metric }) => metric?.MetricName === "Connections",
    );

    expect([target.MinCapacity, target.MaxCapacity]).toEqual([config.gateway.minTasks, config.gateway.maxTasks]);
    expect(connections.TargetValue).toBeLessThan(Number(environment.RT_MAX_CONNECTIONS));
    expect(connections.CustomizedMetricSpecification).toMatchObject({
      Namespace: "VeztaRealtime",
      Dimensions: [
        { Name: "Environment", Value: environment.RT_ENVIRONMENT },
        { Name: "Service", Value: "gateway" },
      ],
    });
    expect(
      policies.some(
        ({ PredefinedMetricSpecification: metric }) =>
          metric?.PredefinedMetricType === "ECSServiceAverageCPUUtilization",
      ),
    ).toBe(true);
  });

  it("allows an open file per connection", () => {
    const [{ Name, SoftLimit, HardLimit }] = container.Ulimits;

    expect(Name).toBe("nofile");
    expect(SoftLimit).toBe(HardLimit);
    expect(SoftLimit).toBeGreaterThan(Number(environment.RT_MAX_CONNECTIONS));
  });

  it("runs the task on the architecture of its image, with a read-only file system", () => {
    const { RuntimePlatform } = only(synthesis, "AWS::ECS::TaskDefinition").Properties;
    const images = synthesis.dockerImages().map(({ source }) => source.platform);

    expect(RuntimePlatform.CpuArchitecture).toBe("ARM64");
    expect(container.ReadonlyRootFilesystem).toBe(true);
    expect(images).toEqual(config.gateway.image ? [] : ["linux/arm64"]);
  });
});
