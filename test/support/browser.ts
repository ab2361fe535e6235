import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** No sandbox as root, and nothing that looks for hosts outside of this machine. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @throws Error that says how to install one. */
function findChromium(): string {
  const folders = ["/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
  if (found === undefined) throw new Error("Chromium is not installed. On Debian and Ubuntu: apt-get install chromium");
  return found;
}

/** Starts a real Chromium without a window. Rejects where there is none, with how to install it. */
export const launchBrowser = (): Promise<Browser> => chromium.launch({ executablePath: findChromium(), args: FLAGS });
