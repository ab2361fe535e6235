import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import sirv from "sirv";

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, "..");
const CACHE = join(ROOT, ".cache/page");
const WEB = join(ROOT, "local/web");
const VITE = join(ROOT, "node_modules/vite/bin/vite.js");

/** Sources of the page; a change in one of them causes a new build. */
const SOURCES = ["local/web", "client", "contract", "package-lock.json"];

/** Time for which an older build is kept: another `npm start` may still serve it. */
const KEPT_MS = 24 * 60 * 60 * 1_000;

async function filesOf(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function hashSources(): Promise<string> {
  const files = (await Promise.all(SOURCES.map((source) => filesOf(join(ROOT, source))))).flat().sort();
  const texts = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash("sha256");
  for (const [index, file] of files.entries()) hash.update(`${file}\n`).update(texts[index] ?? "");
  return hash.digest("hex").slice(0, 16);
}

async function removeOldBuilds(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const { mtimeMs } = await stat(join(CACHE, name));
    if (Date.now() - mtimeMs > KEPT_MS) await rm(join(CACHE, name), { recursive: true, force: true });
  }
}

/**
 * Builds local/web with Vite where its sources have changed since the last build, and resolves with the folder of the
 * built files. Rejects with Vite's error, or where `signal` ends it.
 */
export async function buildPage(signal: AbortSignal): Promise<string> {
  const folder = join(CACHE, await hashSources());
  if (existsSync(folder)) return folder;
  const building = join(CACHE, `building-${randomUUID()}`);
  // A process of its own: Vite takes the mode from NODE_ENV, and writes to it.
  await run(process.execPath, [VITE, "build", WEB, "--outDir", building, "--logLevel", "warn"], {
    env: { NODE_ENV: "production" },
    signal,
  });
  // Another process may have built the same at the same time: then its folder is as good as ours.
  await rename(building, folder).catch(() => rm(building, { recursive: true, force: true }));
  await removeOldBuilds();
  return folder;
}

type Serve = (request: IncomingMessage, response: ServerResponse) => boolean;

function serveFolder(folder: string): Serve {
  const serve = sirv(folder, {
    setHeaders(response, path) {
      // Every file but the first has a name that changes with its content.
      const isNamedByContent = path.startsWith("/assets/");
      response.setHeader("cache-control", isNamedByContent ? "public,max-age=31536000,immutable" : "no-cache");
      response.setHeader("x-content-type-options", "nosniff");
    },
  });
  return (request, response) => {
    let isTaken = true;
    serve(request, response, () => {
      isTaken = false;
    });
    return isTaken;
  };
}

/**
 * Serves the page and says whether it took a request. Who asks before it is built gets it then, or is told why it cannot
 * be built.
 */
export function createPageServer(page: Promise<string>): Serve {
  let serve: Serve | undefined;
  const isBuilt = page.then((folder) => {
    serve = serveFolder(folder);
  });
  isBuilt.catch(() => undefined);
  return (request, response) => {
    if (serve) return serve(request, response);
    if (request.url !== "/") return false;
    isBuilt.then(
      () => serve?.(request, response),
      (error: Error) => response.writeHead(500).end(`the page cannot be built: ${error.message}\n`),
    );
    return true;
  };
}
