import { describe, expect, it } from "vitest";
import { busName } from "../../infra/stacks/support/bus-name.ts";
import { synthesize, variants } from "./synthesize.ts";

interface Output {
  readonly Value: unknown;
  readonly Description?: string;
}

describe.each(Object.entries(variants))("the outputs of %s", (_name, fields) => {
  const { config, assembly } = synthesize(fields);
  const all = assembly.stacks.flatMap(({ stackName, template }) =>
    Object.entries<Output & { Export?: unknown }>(template.Outputs ?? {})
      // Those by which stacks refer to each other, strongly and weakly, are not for people.
      .filter(([name, { Export }]) => !Export && !name.startsWith("PublishOutput"))
      .map(([name, output]) => ({ stack: stackName.replace(/^test-realtime-/, ""), name, ...output })),
  );
  const find = (stack: string, name: string) => all.find((output) => output.stack === stack && output.name === name);
  const textOf = (stack: string, name: string): string => JSON.stringify(find(stack, name)?.Value) ?? "";
  const edges = [
    ...(config.gateway.enabled ? ["gateway"] : []),
    ...(config.managedEdge.enabled ? ["managed-edge"] : []),
  ];

  it("give the endpoint of clients, and warn of plain HTTP", () => {
    const isPlain = config.gateway.enabled && config.edge.type === "alb" && !config.edge.certificateArn;

    const gateway = config.gateway.enabled ? (isPlain ? /"http:\/\// : /https:\/\//) : /^$/;
    expect(textOf("gateway", "Endpoint")).toMatch(gateway);
    expect(find("gateway", "WARNING") !== undefined).toBe(isPlain);
    expect(textOf("managed-edge", "Endpoint")).toMatch(
      config.managedEdge.enabled ? /wss:\/\/.*execute-api.*\/ws"/ : /^$/,
    );
  });

  it("name the bus and the stream for events", () => {
    expect(find("domain-events", "BusName")).toBeDefined();
    expect(find("domain-events", "StreamName") !== undefined).toBe(config.events.marketStream !== "none");
  });

  it("give the command that prints a token, or the issuer", () => {
    const tokens = all.filter(({ name }) => name === "Token").map(({ Value }) => JSON.stringify(Value));

    expect(tokens).toHaveLength(config.auth.issuer ? edges.length : 1);
    for (const token of tokens) expect(token).toContain(config.auth.issuer ?? "admin-initiate-auth");
  });

  it("give a smoke test for every endpoint, without secrets", () => {
    for (const edge of edges) {
      expect(textOf(edge, "SmokeTest")).toMatch(/npx vezta smoke --url /);
      expect(textOf(edge, "SmokeTest")).toContain(` --bus ${busName(config.name)} --region ${config.region}`);
      expect(textOf(edge, "SmokeTest")).not.toContain("token");
    }
    expect(edges).not.toEqual([]);
  });

  it("have a description each", () => {
    expect(all.filter(({ name, Description }) => name !== "WARNING" && !Description)).toEqual([]);
  });
});
