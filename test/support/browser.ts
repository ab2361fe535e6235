import { type Browser, chromium } from "playwright-core";
import { type ChromiumProgram, findChromium } from "./chromium.ts";

/** No sandbox, which root cannot have, and no requests to hosts other than this machine. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The headless shell takes its language from here alone, and from LANG=C one that is no valid language tag. */
const LOCALE = { LC_ALL: "en_US.UTF-8" };

/** Starts a Chromium without a window. */
export const launchProgram = ({ executablePath, env }: ChromiumProgram): Promise<Browser> =>
  chromium.launch({ executablePath, args: FLAGS, env: { ...process.env, ...LOCALE, ...env } });

/**
 * Starts a Chromium without a window.
 *
 * @throws Error that says how to install one, where there is none and none can be fetched.
 */
export const launchBrowser = async (): Promise<Browser> => launchProgram(await findChromium());
