import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Commands that start a program in an empty network namespace: as root, or as a user who may create namespaces. */
const ISOLATIONS = [
  ["unshare", "--net"],
  ["unshare", "--map-root-user", "--net"],
] as const;

/** A proxy that refuses connections, for machines where no network namespace can be created. */
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
  /** The means that kept the command off the network. */
  readonly network: "no network" | "a proxy that leads nowhere";
}

export interface CdkOptions {
  /** The value of `PATH`: bundling calls `npx`. */
  readonly path: string;
  /**
   * The folder of the app, in which its `aws-cdk` is installed.
   *
   * @default - this repository
   */
  readonly folder?: string;
}

/**
 * Runs the CDK's command line as on a machine without AWS: no credentials, no configuration, no network, and a Docker
 * that does not exist.
 */
export async function runCdk(command: readonly string[], { path, folder = root }: CdkOptions): Promise<CdkOutcome> {
  const isolation = findIsolation();
  const [program = "", ...values] = [...isolation, process.execPath, join(folder, "node_modules/aws-cdk/bin/cdk")];
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
      execFile(program, [...values, ...command], { cwd: folder, env, maxBuffer: 16 * 2 ** 20 }, (error, _out, stderr) =>
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
