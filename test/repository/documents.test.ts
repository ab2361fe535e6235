import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** The Markdown pages of the repository, but for the changelog, which names what is gone. */
const pages = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && file !== "CHANGELOG.md" && existsSync(join(root, file)));

/** The names of the scripts of this repository and of the examples, which pages show as other teams run them. */
const scripts = new Set(
  ["package.json", ...globSync("examples/*/package.json", { cwd: root })].flatMap((file) =>
    Object.keys(JSON.parse(read(file)).scripts ?? {}),
  ),
);

/** A page without its code blocks, which may show other repositories. */
const proseOf = (page: string): string => read(page).replaceAll(/^```.*?^```/gms, "");

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

const anchorsOf = (page: string): readonly string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

/** The links of a page to other places of the repository that are not there. */
function brokenLinks(page: string): readonly string[] {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return links.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [file = "", anchor] = target.split("#");
    const path = file === "" ? page : normalize(join(dirname(page), file));
    if (!existsSync(join(root, path))) return true;
    return anchor !== undefined && !anchorsOf(path).includes(anchor);
  });
}

const rooms = [
  "bench",
  "cli",
  "client",
  "contract",
  "docs",
  "drill",
  "gateway",
  "infra",
  "kernel",
  "lambdas",
  "local",
  "publisher",
];
const pathPattern = new RegExp(`^(${[...rooms, "test", "tools"].join("|")})/[\\w.*<>/-]+$`);

/** The paths in backticks that are not there; `<…>` and `*` stand for any name. */
const missingPaths = (page: string): readonly string[] =>
  [...proseOf(page).matchAll(/`([^`\n]+)`/g)]
    .map(([, text = ""]) => text)
    .filter((text) => pathPattern.test(text))
    .filter((path) => {
      const pattern = path.replaceAll(/<[^>]*>/g, "*");
      const folders = [root, join(root, dirname(page))];
      return folders.every((cwd) => globSync(pattern, { cwd }).length === 0);
    });

describe.each(pages)("%s", (page) => {
  it("links to what is there", () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it("names files that are there", () => {
    expect(missingPaths(page)).toEqual([]);
  });

  it("names scripts that are there", () => {
    const named = [...read(page).matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name = ""]) => name);

    expect(named.filter((name) => !scripts.has(name))).toEqual([]);
  });
});

describe("README.md", () => {
  it("has a line for each room", () => {
    const folders = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" })
      .split("\n")
      .filter((file) => /^[a-z]\w*\//.test(file))
      .map((file) => file.split("/")[0] ?? "");
    const missing = [...new Set(folders)].filter((folder) => !read("README.md").includes(`\`${folder}/\``));

    expect(missing).toEqual([]);
  });
});

describe("biome.json", () => {
  it("makes exceptions only for files that are there", () => {
    const overrides: readonly { readonly includes: readonly string[] }[] = JSON.parse(read("biome.json")).overrides;
    const patterns = overrides.flatMap(({ includes }) => includes);

    expect(patterns.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)).toEqual([]);
  });
});
