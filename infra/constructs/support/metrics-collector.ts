import { Stack } from "aws-cdk-lib";
import { ContainerImage, type FargateTaskDefinition, type LogDriver } from "aws-cdk-lib/aws-ecs";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { METRICS_PORT } from "./gateway-settings.ts";

/** The AWS Distro for OpenTelemetry, for both processors. */
const IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.40.0";

/** Memory that the collector needs for some hundred series, in MiB. */
const MEMORY_MIB = 128;

/** Returns the collector's configuration: scrape the gateway of its task, sign, send. YAML takes JSON. */
const configuration = (url: string, region: string, environment: string): string =>
  JSON.stringify({
    extensions: { sigv4auth: { region, service: "aps" } },
    receivers: {
      prometheus: {
        config: {
          scrape_configs: [
            {
              job_name: "gateway",
              scrape_interval: "30s",
              static_configs: [{ targets: [`127.0.0.1:${METRICS_PORT}`], labels: { environment } }],
            },
          ],
        },
      },
    },
    processors: { resourcedetection: { detectors: ["ecs"] } },
    exporters: {
      prometheusremotewrite: {
        endpoint: url,
        auth: { authenticator: "sigv4auth" },
        // The task's address is what tells the series of two tasks apart.
        resource_to_telemetry_conversion: { enabled: true },
      },
    },
    service: {
      extensions: ["sigv4auth"],
      pipelines: {
        metrics: {
          receivers: ["prometheus"],
          processors: ["resourcedetection"],
          exporters: ["prometheusremotewrite"],
        },
      },
    },
  });

export interface MetricsCollectorProps {
  readonly remoteWriteUrl: string;
  readonly environmentName: string;
  readonly logging: LogDriver;
}

/** Adds a container to a task that sends the gateway's Prometheus metrics to a workspace. The task goes on without it. */
export function addMetricsCollector(definition: FargateTaskDefinition, props: MetricsCollectorProps): void {
  const { remoteWriteUrl, environmentName, logging } = props;
  // https://aps-workspaces.<region>.amazonaws.com/workspaces/<id>/api/v1/remote_write
  const { hostname, pathname } = new URL(remoteWriteUrl);
  const [, region = ""] = hostname.split(".");
  const [, , workspace = ""] = pathname.split("/");
  definition.addContainer("Collector", {
    image: ContainerImage.fromRegistry(IMAGE),
    essential: false,
    memoryReservationMiB: MEMORY_MIB,
    readonlyRootFilesystem: true,
    environment: { AOT_CONFIG_CONTENT: configuration(remoteWriteUrl, region, environmentName) },
    logging,
  });
  const resource = Stack.of(definition).formatArn({
    service: "aps",
    region,
    resource: "workspace",
    resourceName: workspace,
  });
  definition.addToTaskRolePolicy(new PolicyStatement({ actions: ["aps:RemoteWrite"], resources: [resource] }));
}
