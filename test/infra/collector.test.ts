import { describe, expect, it } from "vitest";
import { only, synthesize, variants } from "./synthesize.ts";

const containersOf = (name: string) =>
  only(synthesize(variants[name]), "AWS::ECS::TaskDefinition").Properties.ContainerDefinitions;

describe("the metrics collector", () => {
  it("is not there by default", () => {
    expect(containersOf("dev")).toHaveLength(1);
  });

  it("scrapes the port of its own task's gateway, and may write to that workspace only", () => {
    const synthesis = synthesize(variants["domain and certificate"]);
    const [gateway, collector] = only(synthesis, "AWS::ECS::TaskDefinition").Properties.ContainerDefinitions;
    const variables = new Map(
      collector.Environment.map(({ Name, Value }: { Name: string; Value: string }) => [Name, Value]),
    );
    const configuration = JSON.parse(String(variables.get("AOT_CONFIG_CONTENT")));
    const [
      {
        static_configs: [{ targets }],
      },
    ] = configuration.receivers.prometheus.config.scrape_configs;
    const writes = JSON.stringify(
      synthesis
        .ofType("AWS::IAM::Policy")
        .filter(({ Properties }) => JSON.stringify(Properties).includes("aps:RemoteWrite")),
    );

    const port = gateway.Environment.find(({ Name }: { Name: string }) => Name === "RT_METRICS_PORT").Value;
    expect(targets).toEqual([`127.0.0.1:${port}`]);
    expect(configuration.exporters.prometheusremotewrite.endpoint).toBe(synthesis.config.gateway.remoteWriteUrl);
    expect(configuration.extensions.sigv4auth).toEqual({ region: "eu-west-1", service: "aps" });
    expect(collector.Essential).toBe(false);
    expect(writes).toContain("aps:eu-west-1:");
    expect(writes).toContain(":workspace/ws-0a1b");
  });
});
