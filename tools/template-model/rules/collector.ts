import { type Finding, failed, type Resource, type Rule } from "../model.ts";
import { lacking, statementsOf } from "./policies.ts";
import { gatewayContainerOf } from "./programs.ts";

// biome-ignore lint/suspicious/noExplicitAny: as for Resource.properties
type Container = any;

// biome-ignore lint/suspicious/noExplicitAny: the configuration of OpenTelemetry's collector
function configurationOf(collector: Container): any {
  try {
    return JSON.parse(variableOf(collector, "AOT_CONFIG_CONTENT") ?? "");
  } catch {
    return {};
  }
}

const variableOf = (container: Container, name: string): string | undefined =>
  container?.Environment?.find((variable: { Name: string }) => variable.Name === name)?.Value;

/** Gateway → collector → workspace: the address that it reads, and the one that it signs for and writes to. */
function collectorFindings(task: Resource, collector: Container, url: string): Finding[] {
  const gateway = gatewayContainerOf(task);
  const { receivers, processors, exporters, extensions, service } = configurationOf(collector);
  const [scrape, ...others] = receivers?.prometheus?.config?.scrape_configs ?? [];
  const pipeline = service?.pipelines?.metrics ?? {};
  const [, region] = /^https:\/\/aps-workspaces\.([a-z0-9-]+)\./.exec(url) ?? [];
  const are = (names: readonly string[] = [], parts: object = {}): boolean =>
    names.length > 0 && names.every((name) => Object.hasOwn(parts, name));
  return failed(task, {
    "stops with its collector": collector?.Essential === false,
    "has a collector that others can reach": collector?.PortMappings === undefined,
    "has a collector of no certain version": /^public\.ecr\.aws\/aws-observability\/aws-otel-collector:v[\d.]+$/.test(
      collector?.Image,
    ),
    "has a collector that takes the gateway's memory":
      collector?.MemoryReservation <= Number(task.properties.Memory) / 4,
    "collects from another port than that of its metrics":
      JSON.stringify(scrape?.static_configs?.map(({ targets }: { targets: string[] }) => targets)) ===
        JSON.stringify([[`127.0.0.1:${variableOf(gateway, "RT_METRICS_PORT")}`]]) && others.length === 0,
    "sends its metrics elsewhere than configured": exporters?.prometheusremotewrite?.endpoint === url,
    "sends its metrics without a signature of the workspace's region":
      extensions?.sigv4auth?.region === region &&
      extensions?.sigv4auth?.service === "aps" &&
      exporters?.prometheusremotewrite?.auth?.authenticator === "sigv4auth" &&
      service?.extensions?.includes("sigv4auth"),
    "sends series that those of another task overwrite":
      processors?.resourcedetection?.detectors?.includes("ecs") &&
      pipeline.processors?.includes("resourcedetection") &&
      exporters?.prometheusremotewrite?.resource_to_telemetry_conversion?.enabled === true,
    "has a collector whose parts do not fit together":
      are(pipeline.receivers, receivers) && are(pipeline.processors, processors) && are(pipeline.exporters, exporters),
  });
}

/** A task has a second container where a workspace is configured, and none else. */
const collectorRule: Rule = (model) =>
  model.ofType("AWS::ECS::TaskDefinition").flatMap((task) => {
    const { remoteWriteUrl } = model.config.gateway;
    const gateway = gatewayContainerOf(task);
    const others = task.properties.ContainerDefinitions.filter((container: Container) => container !== gateway);
    const count = failed(task, {
      "has other containers than configured": others.length === (remoteWriteUrl === undefined ? 0 : 1),
    });
    const [collector] = others;
    if (remoteWriteUrl === undefined || !collector) return count;
    const role = model.target(task.properties.TaskRoleArn, "AWS::IAM::Role", "Arn");
    const [, region = "", workspace = ""] =
      /aps-workspaces\.([^.]+)\..*\/workspaces\/([^/]+)\//.exec(remoteWriteUrl) ?? [];
    const resource = `arn:aws:aps:${region}:\${AWS::AccountId}:workspace/${workspace}`;
    return [
      ...count,
      ...collectorFindings(task, collector, remoteWriteUrl),
      ...(role ? lacking(task, statementsOf(model, role), [{ action: "aps:RemoteWrite", resource }]) : []),
    ];
  });

/** The rules of the metrics' way to Prometheus. */
export const collectorRules: readonly Rule[] = [collectorRule];
