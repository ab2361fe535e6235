import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import * as z from "zod";
import { readDockerignore } from "./build-context.ts";
import { type BuiltImage, ImageError } from "./built-image.ts";
import { type Instruction, readDockerfile, type Stage } from "./dockerfile.ts";

export interface PlainFolderOptions {
  readonly dockerfile: string;
  readonly context: string;
  /** Of this process: where programs are looked for, and how npm reaches its registry. */
  readonly environment: NodeJS.ProcessEnv;
}

/** One stage as it is carried out: a folder in place of a file system. */
interface StageState {
  readonly folder: string;
  workingDirectory: string;
  user: string | undefined;
  command: readonly string[];
  readonly environment: Record<string, string>;
}

interface Build {
  readonly context: string;
  readonly isInContext: (path: string) => boolean;
  /** The folder with node. */
  readonly programs: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stages: ReadonlyMap<string, StageState>;
}

const commandSchema = z.array(z.string()).min(1);

/** The node of the folder comes first, as the base image's node does. */
const searchPath = (programs: string, { PATH = "" }: NodeJS.ProcessEnv): string => `${programs}:${PATH}`;

/** Takes over the node that runs this: where it is installed the image's user may not be let in. */
function provideNode(root: string): string {
  const programs = join(root, "bin");
  mkdirSync(programs);
  copyFileSync(process.execPath, join(programs, "node"));
  return programs;
}

function copy({ text }: Instruction, state: StageState, { context, isInContext, stages }: Build): void {
  const words = text.split(/\s+/);
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const target = resolve(state.workingDirectory, words.pop() ?? ".");
  const source = from === undefined ? context : stages.get(from)?.folder;
  if (source === undefined) throw new ImageError(`COPY --from=${from}: there is no such stage`);
  const filter = from === undefined ? (path: string) => isInContext(relative(context, path)) : () => true;
  for (const word of words) {
    const path = join(source, word);
    if (!existsSync(path) || !filter(path)) throw new ImageError(`COPY ${text}: ${word} is not there to be copied`);
    // A folder's contents are copied, a file goes into the target, as Docker does.
    cpSync(path, statSync(path).isDirectory() ? target : join(target, word), { recursive: true, filter });
  }
}

/** Carries out one instruction. What Docker knows and our Dockerfile does not use is an error, not a silent skip. */
function carryOut(instruction: Instruction, state: StageState, build: Build): void {
  const { name, text } = instruction;
  switch (name) {
    case "WORKDIR":
      state.workingDirectory = join(state.folder, text);
      mkdirSync(state.workingDirectory, { recursive: true });
      return;
    case "COPY":
      copy(instruction, state, build);
      return;
    case "RUN":
      execFileSync("sh", ["-c", text], {
        cwd: state.workingDirectory,
        env: { ...build.environment, ...state.environment, PATH: searchPath(build.programs, build.environment) },
        stdio: ["ignore", "ignore", "inherit"],
      });
      return;
    case "ENV": {
      const [key = "", value = ""] = text.split("=");
      state.environment[key] = value;
      return;
    }
    case "USER":
      state.user = text;
      return;
    case "CMD":
      state.command = commandSchema.parse(JSON.parse(text));
      return;
    case "EXPOSE":
      return;
    default:
      throw new ImageError(`${name} ${text}: a plain folder has no equivalent for it`);
  }
}

function buildStage({ name, instructions }: Stage, root: string, build: Build): StageState {
  const folder = join(root, name ?? "final");
  mkdirSync(folder);
  const state: StageState = { folder, workingDirectory: folder, user: undefined, command: [], environment: {} };
  for (const instruction of instructions) carryOut(instruction, state, build);
  return state;
}

function buildStages({ dockerfile, context, environment }: PlainFolderOptions, root: string): StageState {
  const stages = new Map<string, StageState>();
  const isInContext = readDockerignore(join(context, ".dockerignore"));
  const build = { context, isInContext, programs: provideNode(root), environment, stages };
  for (const stage of readDockerfile(dockerfile)) {
    stages.set(stage.name ?? "", buildStage(stage, root, build));
  }
  const final = stages.get("");
  if (!final) throw new ImageError(`${dockerfile}: its last stage has a name`);
  return final;
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

/** As in the image, where the files belong to root and the user is another one. */
function makeReadOnly(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o555 : 0o444);
  }
}

/** Numeric ids of `USER 1000:1000`, where this process may change to them. */
function userOf(state: StageState): { readonly uid: number; readonly gid: number } | undefined {
  const [uid, gid] = (state.user ?? "").split(":").map(Number);
  if (!uid || !gid) throw new ImageError(`USER ${state.user}: must be two numbers other than 0`);
  return process.getuid?.() === 0 ? { uid, gid } : undefined;
}

function toImage(final: StageState, root: string, inherited: NodeJS.ProcessEnv): BuiltImage {
  const ownBytes = sizeOf(final.folder);
  makeReadOnly(final.folder);
  const user = userOf(final);
  const [command = "", ...values] = final.command;
  return {
    how: `the Dockerfile's steps in a plain folder, started ${user ? `as user ${user.uid}` : "as the user of this process"}`,
    ownBytes,
    async start(environment) {
      const child = spawn(command, values, {
        cwd: final.workingDirectory,
        env: { PATH: searchPath(join(root, "bin"), inherited), ...final.environment, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
        ...user,
      });
      return { process: child, signal: (name) => child.kill(name) };
    },
    async remove() {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/**
 * Carries out the Dockerfile's steps in a folder, where no image can be built: no base image, no file system of its
 * own, the node of this machine.
 *
 * @throws ImageError for an instruction that a folder cannot follow, or the error of the step that failed.
 */
export async function buildInPlainFolder(options: PlainFolderOptions): Promise<BuiltImage> {
  const root = mkdtempSync(join(tmpdir(), "vezta-image-"));
  // The image's user is another one, and has to get in.
  chmodSync(root, 0o755);
  try {
    return toImage(buildStages(options, root), root, options.environment);
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
}
