import { execFile } from "node:child_process";
import { access, constants, readdir, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "../kernel/as-error.ts";
import { CACHE, fetchDebianPackages } from "./debian-packages.ts";
import { programFolders } from "./installed-programs.ts";

const run = promisify(execFile);

/** The first version with sharded Pub/Sub. */
const MINIMUM_MAJOR = 7;

/** The folder of a server taken from the distribution's packages, which is fetched once. */
const FOLDER = join(CACHE, "redis");

/** Debian's `redis-server` and its libraries: since Debian 12 the binary is in redis-tools. */
const DEBIAN_PACKAGES = [
  "redis-tools",
  "liblzf1",
  "libjemalloc2",
  "libatomic1",
  "liblua5.1-0",
  "lua-bitop",
  "lua-cjson",
];

/** A Redis server that can be started. */
export interface RedisServer {
  readonly path: string;
  /** Variables that its environment needs beside the usual ones. */
  readonly env: Readonly<Record<string, string>>;
}

/** No Redis could be found or fetched; the message says how to get one. */
export class RedisNotFoundError extends Error {
  override readonly name = "RedisNotFoundError";

  constructor(tried: readonly string[]) {
    super(
      `no Redis ${MINIMUM_MAJOR} or newer was found. Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}\n` +
        "Install one and start again:\n" +
        "  Debian, Ubuntu   sudo apt-get install redis-server\n" +
        "  Fedora           sudo dnf install valkey\n" +
        "  macOS            brew install redis\n" +
        "  Windows          in WSL, as on Ubuntu",
    );
  }
}

async function check(path: string, env: Readonly<Record<string, string>> = {}): Promise<RedisServer | string> {
  try {
    const { stdout } = await run(path, ["--version"], { env: { PATH: "", ...env } });
    const major = Number(/v=(\d+)/.exec(stdout)?.[1]);
    return major >= MINIMUM_MAJOR ? { path, env } : `${path} is version ${major}`;
  } catch (error) {
    return `${path} does not run: ${messageOf(error).split("\n")[0]}`;
  }
}

async function* onPath(searchPath: string): AsyncGenerator<string> {
  for (const folder of searchPath.split(delimiter).filter(Boolean)) {
    for (const name of ["redis-server", "valkey-server"]) {
      const path = join(folder, name);
      const isExecutable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isExecutable) yield path;
    }
  }
}

async function cachedServer(): Promise<RedisServer | string> {
  const libraries = join(FOLDER, "usr", "lib");
  const folders = await readdir(libraries).catch(() => []);
  const search = folders.map((folder) => join(libraries, folder)).join(delimiter);
  return check(join(FOLDER, "usr", "bin", "redis-server"), { LD_LIBRARY_PATH: search });
}

async function fetchFromDebian(): Promise<void> {
  await fetchDebianPackages("redis", DEBIAN_PACKAGES);
  await symlink("redis-check-rdb", join(FOLDER, "usr", "bin", "redis-server")).catch(() => undefined);
}

/**
 * Finds a Redis or Valkey server of version 7 or newer: on the search path, in the cache of an earlier call, or, on
 * Debian and Ubuntu, in the distribution's packages, which are then unpacked into `.cache/redis`.
 *
 * @param searchPath folders as in `PATH`. Default: those of this process.
 * @throws RedisNotFoundError that lists what was tried and how to get one.
 */
export async function findRedisServer(searchPath: string = programFolders): Promise<RedisServer> {
  const tried: string[] = [];
  for await (const path of onPath(searchPath)) {
    const found = await check(path);
    if (typeof found !== "string") return found;
    tried.push(found);
  }
  if (tried.length === 0) tried.push("no redis-server or valkey-server on the PATH");
  const cached = await cachedServer();
  if (typeof cached !== "string") return cached;
  try {
    await fetchFromDebian();
  } catch (error) {
    const reason = messageOf(error).split("\n")[0];
    throw new RedisNotFoundError([...tried, `fetching it with apt-get: ${reason}`]);
  }
  const fetched = await cachedServer();
  if (typeof fetched === "string") throw new RedisNotFoundError([...tried, fetched]);
  return fetched;
}
