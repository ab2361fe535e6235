import { describe, expect, it } from "vitest";
import { busName } from "../../infra/domain-events-stack.ts";
import { synthesize, variants } from "./synthesize.ts";

interface Output {
  readonly Value: unknown;
  readonly Description?: string;
}

describe.each(Object.entries(variants))("the outputs of %s", (_name, fields) => {
  const { config, assembly } = synthesize(fields);
  const outputs = new Map(
    assembly.stacks.flatMap(({ template }) =>
      Object.entries<Output & { Export?: unknown }>(template.Outputs ?? {}).filter(([, { Export }]) => !Export),
    ),
  );
  const textOf = (name: string): string => JSON.stringify(outputs.get(name)?.Value);

  it("say where clients connect, and warn of plain HTTP", () => {
    const isPlain = config.edge.type === "alb" && !config.edge.certificateArn;

    expect(textOf("Endpoint")).toContain(isPlain ? "http://" : "https://");
    expect(outputs.has("WARNING")).toBe(isPlain);
  });

  it("say where events go", () => {
    expect(outputs.has("BusName")).toBe(true);
    expect(outputs.has("StreamName")).toBe(config.events.marketStream !== "none");
  });

  it("say how to get a token", () => {
    expect(textOf("Token")).toContain(config.auth.issuer ?? "admin-initiate-auth");
  });

  it("have a smoke test to paste, with nothing secret in it", () => {
    expect(textOf("SmokeTest")).toMatch(/npm run smoke -- --url /);
    expect(textOf("SmokeTest")).toContain(` --bus ${busName(config)} --region ${config.region}`);
    expect(textOf("SmokeTest")).not.toContain("token");
  });

  it("each say what they are", () => {
    const silent = [...outputs].filter(([name, { Description }]) => name !== "WARNING" && !Description);

    expect(silent).toEqual([]);
  });
});
