import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const workspaces: readonly string[] = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).workspaces;

/** The patches of CONTRIBUTING.md, by the heading above them. */
const examples = readFileSync(join(root, "CONTRIBUTING.md"), "utf8")
  .split("### ")
  .slice(1)
  .map((section) => ({
    heading: section.split("\n")[0] ?? "",
    patch: /```diff\n(.*?)```/s.exec(section)?.[1] ?? "",
  }));

/** Prints the links that the contract takes. */
const LINKS = `
import { link } from "./contract/payloads/links.ts";
const links = ["vezta://markets/1", "vezta-pro://markets/1", "vezta-lite://markets/1"];
console.log(JSON.stringify(links.filter((each) => link.safeParse(each).success)));
`;

/** Prints the stacks and functions of an environment of cdk.json. */
const SYNTH = `
import { context, synthesize } from "./test/infra/synthesize.ts";
const { assembly, ofType } = synthesize(context.environments.dev);
const functions = ofType("AWS::Lambda::Function").map(({ logicalId }) => logicalId);
console.log(JSON.stringify({ stacks: assembly.stacks.map(({ stackName }) => stackName), functions }));
`;

let copy = "";
const bin = (name: string): string => join(root, "node_modules/.bin", name);

/** Runs a command in the copy and resolves with its output. Rejects with all that it wrote where it fails. */
async function runInCopy(command: string, ...values: readonly string[]): Promise<string> {
  const { stdout } = await run(command, values, { cwd: copy, maxBuffer: 2 ** 24 }).catch((error) => {
    throw new Error(`${command} ${values.join(" ")}:\n${error.stdout}${error.stderr}`);
  });
  return stdout;
}

/** Links what is installed, but for the packages of the repository, which are those of the copy. */
function linkDependencies(): void {
  symlinkSync(join(root, ".cache"), join(copy, ".cache"));
  const installed = join(copy, "node_modules");
  mkdirSync(join(installed, "@vezta"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")).filter((each) => each !== "@vezta")) {
    symlinkSync(join(root, "node_modules", name), join(installed, name));
  }
  for (const folder of workspaces) {
    const { name } = JSON.parse(readFileSync(join(copy, folder, "package.json"), "utf8"));
    symlinkSync(join(copy, folder), join(installed, name));
  }
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "contributing-"));
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of files.split("\0").filter((path) => existsSync(join(root, path)) && path !== "")) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  linkDependencies();
  for (const { patch } of examples) execFileSync("git", ["apply", "-C1", "-"], { cwd: copy, input: patch });
  writeFileSync(join(copy, "links.ts"), LINKS);
  writeFileSync(join(copy, "synth.ts"), SYNTH);
});
afterAll(() => rmSync(copy, { recursive: true }));

// A compiler and a synth of the whole repository.
describe("the worked examples of CONTRIBUTING.md", { timeout: 600_000 }, () => {
  it("are those of a channel, an event, a link scheme, a Lambda and a stack", () => {
    expect(examples.map(({ heading }) => heading)).toEqual([
      "Adding a channel",
      "Adding an event",
      "Adding an app's link scheme",
      "Adding a publisher Lambda",
      "Adding a stack",
    ]);
  });

  it("compile, and keep to the import rules", async () => {
    await runInCopy(bin("tsc"), "--noEmit");
    await runInCopy("npm", "run", "--silent", "check:imports");
  });

  it("make a message of each event", async () => {
    const output = await runInCopy(bin("vitest"), "run", "--reporter=verbose", "test/contract/examples.test.ts");

    expect(output).toContain("vezta.market-data FundingChanged");
    expect(output).toContain("vezta.deposits DepositReceived");
  });

  it("take links into the app, and into no other", async () => {
    expect(JSON.parse(await runInCopy(process.execPath, "links.ts"))).toEqual([
      "vezta://markets/1",
      "vezta-pro://markets/1",
    ]);
  });

  it("deploy a function for the domain, and the stack", async () => {
    const lines = (await runInCopy(process.execPath, "synth.ts")).split("\n");
    const { stacks, functions } = JSON.parse(lines.find((line) => line.startsWith('{"stacks"')) ?? "{}");

    expect(stacks).toContain("test-realtime-archive");
    expect(functions).toContainEqual(expect.stringMatching(/^deposits/));
  });
});
