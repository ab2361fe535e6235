import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import * as z from "zod";
import { type BuiltImage, ImageError, type StartedImage } from "./built-image.ts";

const run = promisify(execFile);

export interface BuildahOptions {
  readonly dockerfile: string;
  readonly context: string;
  /** Base image in place of the Dockerfile's own. */
  readonly base?: string | undefined;
  /** More options of `buildah build`, such as `--volume=…` for a certificate of the machine's own registry. */
  readonly options: readonly string[];
  /** Of this process: where programs are looked for. */
  readonly environment: NodeJS.ProcessEnv;
}

const inspectSchema = z.object({
  OCIv1: z.object({
    config: z.object({
      User: z.string().regex(/^[1-9]\d*:[1-9]\d*$/, "the image must run as numeric ids other than root's"),
      Env: z.array(z.string()),
      Cmd: z.array(z.string()).min(1),
      WorkingDir: z.string().startsWith("/"),
    }),
  }),
});

/** Whether this machine can build and start an image: buildah is there, and this process may mount and chroot. */
export function canUseBuildah(environment: NodeJS.ProcessEnv): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync("buildah", ["--version"], { env: environment, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The process that `unshare --fork` started: process 1 of its namespace, and the image's command itself. */
async function childOf(pid: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    if (child) return Number(child);
    await delay(10);
  }
  throw new ImageError("the image's command did not start");
}

type ImageConfig = z.infer<typeof inspectSchema>["OCIv1"]["config"];

/** Starts the command as process 1, as the image's user, on a file system that cannot be written to. */
async function startIn(
  root: string,
  config: ImageConfig,
  environment: Readonly<Record<string, string>>,
): Promise<StartedImage> {
  const variables = [...config.Env, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
  // chroot and not `buildah run`: that one ends without passing SIGTERM on.
  const command = [
    "chroot",
    `--userspec=${config.User}`,
    root,
    "env",
    "-i",
    "-C",
    config.WorkingDir,
    ...variables,
    ...config.Cmd,
  ];
  const child = spawn(
    "unshare",
    [
      ...["--mount", "--pid", "--fork", "--kill-child=SIGKILL", "sh", "-c"],
      'mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -o remount,bind,ro "$0" && exec "$@"',
      root,
      ...command,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  await once(child, "spawn");
  const pid = await childOf(child.pid ?? 0);
  return { process: child, signal: (name) => process.kill(pid, name) };
}

/**
 * Builds the image from its Dockerfile without a daemon.
 *
 * @throws ImageError or the error of buildah, with its output.
 */
export async function buildWithBuildah({
  dockerfile,
  context,
  base,
  options,
  environment,
}: BuildahOptions): Promise<BuiltImage> {
  const work = mkdtempSync(join(tmpdir(), "vezta-buildah-"));
  const policy = join(work, "policy.json");
  writeFileSync(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const env = { PATH: environment.PATH, HOME: work, BUILDAH_ISOLATION: "chroot", STORAGE_DRIVER: "vfs" };
  const buildah = async (...values: string[]): Promise<string> =>
    (await run("buildah", values, { env, maxBuffer: 64 * 2 ** 20 })).stdout.trim();
  const image = "localhost/vezta-gateway:check";
  await buildah(
    ...["build", "--signature-policy", policy, "--network", "host", "--format", "docker", "--file", dockerfile],
    ...["--ignorefile", join(context, ".dockerignore"), "--tag", image],
    ...(base ? ["--pull-never", "--build-arg", `NODE_IMAGE=${base}`] : []),
    ...options,
    context,
  );
  const { config } = inspectSchema.parse(JSON.parse(await buildah("inspect", "--type", "image", image))).OCIv1;
  const container = await buildah("from", "--signature-policy", policy, "--pull-never", image);
  const root = await buildah("mount", container);
  const bytes = async (folder: string): Promise<number> =>
    Number((await run("du", ["-sxb", folder])).stdout.split("\t")[0]);
  return {
    how: `an image of buildah on ${base ?? "the Dockerfile's base"}, started as process 1 on a read-only file system`,
    ownBytes: await bytes(join(root, config.WorkingDir)),
    totalBytes: await bytes(root),
    start: (variables) => startIn(root, config, variables),
    async remove() {
      await buildah("rm", container);
      await buildah("rmi", image);
      rmSync(work, { recursive: true, force: true });
    },
  };
}
