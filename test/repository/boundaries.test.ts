import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** What each part may import of ours, beside itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  gateway: ["contract"],
  lambdas: ["contract"],
  client: ["contract"],
  infra: ["contract"],
};

const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.tsx"], {
  cwd: root,
  encoding: "utf8",
})
  .trim()
  .split("\n");

const importsOf = (file: string): string[] => {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path]) =>
    relative(root, join(root, dirname(file), path ?? "")),
  );
};

const parts = ["contract", "gateway", "lambdas", "client", "infra", "local", "bench", "tools", "test"];

/** Files that break a rule, each with the rule. The linter has to name every one of them. */
const probes = [
  ...Object.entries(allowed).flatMap(([part, others]) =>
    parts
      .filter((other) => other !== part && !others.includes(other))
      .map((other) => ({
        file: `${part}/deep/imports-${other}.ts`,
        text: `import "../../${other}/some/file.ts";\n`,
        rule: "noRestrictedImports",
      })),
  ),
  ...["gateway", "contract", "client", "infra", "lambdas"].map((part) => ({
    file: `${part}/reads-environment.ts`,
    text: "export const home = process.env.HOME;\n",
    rule: "noProcessEnv",
  })),
];

let findings = "";
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "boundaries-"));
  const { vcs: _vcs, $schema: _schema, ...config } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify(config));
  for (const { file, text } of probes) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const biome = join(root, "node_modules/.bin/biome");
  const options = ["lint", "--colors=off", "--max-diagnostics=none"];
  const { stdout, stderr } = spawnSync(biome, options, { cwd: folder, encoding: "utf8" });
  findings = `${stdout}${stderr}`;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the linter", () => {
  it.each(probes)("finds $rule in $file", ({ file, rule }) => {
    const lines = findings.split("\n").filter((line) => line.startsWith(file) || line.includes(`/${file}`));
    expect([file, lines.some((line) => line.includes(rule)), findings.slice(0, 300)]).toEqual([
      file,
      true,
      expect.anything(),
    ]);
  });
});

describe.each(Object.entries(allowed))("%s", (part, others) => {
  it("imports nothing of ours but what it may", () => {
    const files = sources.filter((file) => file.startsWith(`${part}/`));
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => ![part, ...others].some((folder) => target.startsWith(`${folder}/`)))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});
