import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { CACHE } from "../../local/debian-packages.ts";
import { installPackages } from "../../local/install-packages.ts";
import { programFolders } from "../../local/installed-programs.ts";

const run = promisify(execFile);

/** The folder with the lock file of the package that brings a Chromium. */
const PACKAGE = join(import.meta.dirname, "chromium");
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const PLAYWRIGHT_CACHE = join(CACHE, "playwright");

/** A Chromium that Playwright can start. */
export interface ChromiumProgram {
  readonly executablePath: string;
  /** Variables that its environment needs beside the usual ones. */
  readonly env: Readonly<Record<string, string>>;
}

/** Looks for a Chromium or Chrome of the system. */
function findInstalled(searchPath: string): ChromiumProgram | undefined {
  const paths = searchPath
    .split(delimiter)
    .filter(Boolean)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const executablePath = paths.find((path) => existsSync(path));
  return executablePath === undefined ? undefined : { executablePath, env: {} };
}

const fontsOf = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`;

/** Unpacks the package's Chromium into a folder that appears only when it is complete. */
async function unpack(folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  try {
    const env = { TMPDIR: draft, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" };
    await run(process.execPath, [join(PACKAGE, "unpack.js")], { env });
    await writeFile(join(draft, "fonts", "fonts.conf"), fontsOf(folder));
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Fetches the Chromium that comes as an npm package with its own libraries, for Linux on x86-64. */
async function fetchFromNpm(onNotice: (text: string) => void): Promise<ChromiumProgram> {
  const { dependencies } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
  const folder = join(CACHE, `chromium-${dependencies["@sparticuz/chromium"]}`);
  if (!existsSync(folder)) {
    await installPackages(PACKAGE, "Chromium is not installed: fetching one from npm (once, 75 MB)", onNotice);
    await unpack(folder);
  }
  const env = { LD_LIBRARY_PATH: join(folder, "al2023", "lib"), FONTCONFIG_PATH: join(folder, "fonts") };
  return { executablePath: join(folder, "chromium"), env };
}

/** Lets Playwright fetch its own Chromium, for the systems that it supports. */
async function fetchFromPlaywright(onNotice: (text: string) => void): Promise<ChromiumProgram> {
  const env = { ...process.env, PLAYWRIGHT_BROWSERS_PATH: PLAYWRIGHT_CACHE };
  const script = `console.log(require("playwright-core").chromium.executablePath())`;
  const options = { env, cwd: join(CACHE, "..") };
  const pathOf = async () => (await run(process.execPath, ["-e", script], options)).stdout.trim();
  if (!existsSync(await pathOf())) {
    onNotice("Chromium is not installed: Playwright fetches one (once, about 150 MB)");
    await run("npx", ["--no-install", "playwright-core", "install", "chromium"], options);
  }
  return { executablePath: await pathOf(), env: {} };
}

export interface ChromiumOptions {
  /** Folders as in `PATH`. @default those of this process */
  readonly searchPath?: string;
  readonly onNotice?: (text: string) => void;
}

/**
 * Finds a Chromium: one of the system, else one from npm that needs no library of the system (Linux on x86-64), else
 * Playwright's own download. What is fetched is kept in `.cache`.
 *
 * @throws Error that says how to install one.
 */
export async function findChromium(options: ChromiumOptions = {}): Promise<ChromiumProgram> {
  const { searchPath = programFolders, onNotice = () => undefined } = options;
  const installed = findInstalled(searchPath);
  if (installed) return installed;
  const isPackaged = process.platform === "linux" && process.arch === "x64";
  try {
    return await (isPackaged ? fetchFromNpm(onNotice) : fetchFromPlaywright(onNotice));
  } catch (cause) {
    const advice = "Install one (Debian, Ubuntu: sudo apt-get install chromium) and run the tests again.";
    throw new Error(`Chromium was not found and could not be fetched. ${advice}`, { cause });
  }
}
