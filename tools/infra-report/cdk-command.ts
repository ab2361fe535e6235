import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** A network of its own, with nothing in it: as root, or as a user who may have namespaces. */
const ISOLATIONS = [
  ["unshare", "--net"],
  ["unshare", "--map-root-user", "--net"],
] as const;

/** Where the network cannot be taken away, whatever asks for something finds nobody. */
const DEAD_END = "http://127.0.0.1:9";
const DEAD_ENDS = { HTTP_PROXY: DEAD_END, HTTPS_PROXY: DEAD_END, http_proxy: DEAD_END, https_proxy: DEAD_END };

function findIsolation(): readonly string[] {
  const works = ([program, ...options]: (typeof ISOLATIONS)[number]): boolean => {
    try {
      execFileSync(program, [...options, "true"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  return ISOLATIONS.find(works) ?? [];
}

export interface CdkOutcome {
  readonly code: number;
  readonly stderr: string;
  readonly seconds: number;
  /** Description of how the command was kept from the network. */
  readonly network: "no network" | "a proxy that leads nowhere";
}

/**
 * Runs the CDK's command line as on a machine that knows nothing of AWS: no credentials, no configuration, no network,
 * and a Docker that does not exist.
 *
 * @param path where programs are looked for, as in `PATH`: bundling calls `npx`.
 */
export async function runCdk(command: readonly string[], path: string): Promise<CdkOutcome> {
  const isolation = findIsolation();
  const [program = "", ...values] = [...isolation, process.execPath, join(root, "node_modules/aws-cdk/bin/cdk")];
  const home = mkdtempSync(join(tmpdir(), "vezta-home-"));
  const env = {
    PATH: path,
    HOME: home,
    CDK_DOCKER: "docker-must-not-be-called",
    CDK_DISABLE_CLI_TELEMETRY: "true",
    ...(isolation.length === 0 ? DEAD_ENDS : {}),
  };
  const begun = performance.now();
  try {
    return await new Promise((resolve) => {
      execFile(program, [...values, ...command], { cwd: root, env, maxBuffer: 16 * 2 ** 20 }, (error, _out, stderr) =>
        resolve({
          code: error ? Number(error.code ?? 1) : 0,
          stderr,
          seconds: (performance.now() - begun) / 1_000,
          network: isolation.length === 0 ? "a proxy that leads nowhere" : "no network",
        }),
      );
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
