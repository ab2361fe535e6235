import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readDockerignore } from "../../tools/image/build-context.ts";
import { checkImage } from "../../tools/image/check-image.ts";
import { readDockerfile } from "../../tools/image/dockerfile.ts";
import { buildInPlainFolder } from "../../tools/image/plain-folder.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "vezta-image-test-"));

afterAll(() => rmSync(folder, { recursive: true }));

/** A context of one file, with a Dockerfile of these lines. */
function contextWith(
  lines: readonly string[],
  ignored: readonly string[] = [],
): { dockerfile: string; context: string } {
  const context = mkdtempSync(join(folder, "context-"));
  writeFileSync(join(context, "file.txt"), "content");
  writeFileSync(join(context, ".dockerignore"), ignored.join("\n"));
  const dockerfile = join(context, "Dockerfile");
  writeFileSync(dockerfile, lines.join("\n"));
  return { dockerfile, context };
}

const build = (lines: readonly string[], ignored?: readonly string[]) =>
  buildInPlainFolder({ ...contextWith(lines, ignored), environment: process.env });

describe("the gateway's image, by its Dockerfile's steps in a plain folder", () => {
  // The steps install every package from npm's cache or registry.
  it("starts, pings as the load balancer expects, and drains on SIGTERM", { timeout: 300_000 }, async () => {
    const environment = { ...process.env, npm_config_prefer_offline: "true" };

    const report = await checkImage({ builder: "folder", base: undefined, options: [], environment });

    expect(report.how).toContain("in a plain folder");
    // test/infra/gateway.test.ts compares the load balancer's idle timeout with it.
    expect(report.pingSeconds).toBe(20);
    expect(report.clientHeard).toEqual(["drain", "transport close"]);
    expect(report.exitCode).toBe(0);
    expect(report.ownBytes).toBeLessThan(5_000_000);
  });
});

describe("gateway/Dockerfile", () => {
  const stages = readDockerfile(join(root, "gateway/Dockerfile"));
  const last = stages.at(-1)?.instructions ?? [];
  const textOf = (name: string) => last.filter((instruction) => instruction.name === name).map(({ text }) => text);

  it("leaves the build's packages behind in a stage of their own", () => {
    expect(stages.map(({ name }) => name)).toEqual(["build", undefined]);
    expect(textOf("COPY")).toEqual(["--from=build /app/dist ./"]);
    expect(textOf("RUN")).toEqual([]);
  });

  it("runs as a user other than root, with node itself as process 1", () => {
    expect(textOf("USER")).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(JSON.parse(textOf("CMD")[0] ?? "")).toEqual([
      "node",
      "--enable-source-maps",
      "--max-semi-space-size=16",
      "main.js",
    ]);
  });
});

describe("a plain folder", () => {
  it("refuses an instruction that it cannot follow", async () => {
    await expect(build(["FROM base", "HEALTHCHECK CMD true"])).rejects.toThrow(
      "HEALTHCHECK CMD true: a plain folder has",
    );
  });

  it("refuses to run as root", async () => {
    await expect(build(["FROM base", "USER 0:0", 'CMD ["node"]'])).rejects.toThrow("USER 0:0: must be two numbers");
  });

  it("fails as the step that fails", async () => {
    await expect(build(["FROM base", "RUN exit 3"])).rejects.toThrow("exit 3");
  });

  it("copies nothing that .dockerignore keeps out", async () => {
    const lines = ["FROM base", "COPY file.txt ./", "USER 1000:1000", 'CMD ["node"]'];

    await expect(build(lines, ["*"])).rejects.toThrow("file.txt is not there to be copied");
    await (await build(lines, ["*", "!file.txt"])).remove();
  });
});

describe(".dockerignore", () => {
  const isKept = readDockerignore(join(root, ".dockerignore"));

  it.each([
    ["gateway/server.ts", true],
    ["kernel/env.ts", true],
    ["package-lock.json", true],
    ["contract/examples/order-changed.json", false],
    ["node_modules/zod/index.js", false],
    ["cdk.out/manifest.json", false],
    [".git/config", false],
  ])("says of %s: %s", (path, kept) => {
    expect(isKept(path)).toBe(kept);
  });
});
