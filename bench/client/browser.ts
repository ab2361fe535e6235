import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { until } from "../../drill/until.ts";
import { endProcess } from "../../local/child-process.ts";
import { findChromium } from "../../test/support/chromium.ts";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-port=0"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,800"],
];

const START_TIMEOUT_MS = 30_000;

/** A page of the bench in a real browser. */
export interface BenchPage {
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** Chromium's counters of the page's main thread, in seconds of CPU since it opened. */
  mainThread(): Promise<Readonly<Record<string, number>>>;
  /** Bytes of the JavaScript heap that are in use after a garbage collection. */
  heapInUse(): Promise<number>;
  close(): Promise<void>;
}

interface Answer {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
}

/**
 * The DevTools protocol with nothing switched on that is not asked for: a testing library listens to every frame of a
 * WebSocket, which costs the page many times what the page itself does.
 */
class DevTools {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: Readonly<Record<string, unknown>>) => void>();
  #count = 0;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = ({ data }) => {
      const { id, result = {} }: Answer = JSON.parse(String(data));
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    };
  }

  async open(): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) await once(this.#socket, "open");
  }

  send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#count += 1;
    const id = this.#count;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page", entry)],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

/** Serves the page; resolves with its address and what ends it. */
async function serve(entry: string): Promise<{ readonly url: string; close(): void }> {
  const script = await bundle(entry);
  const html =
    '<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="/app.js"></script>';
  const server = createServer(({ url }, response) => {
    const isScript = url === "/app.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html").end(isScript ? script : html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** Starts Chromium on an address, and resolves with the address of the page's DevTools. */
async function launch(address: string): Promise<{ readonly devToolsUrl: string; close(): Promise<void> }> {
  const { executablePath, env } = await findChromium({ onNotice: console.error });
  const folder = mkdtempSync(join(tmpdir(), "bench-chromium-"));
  const child = spawn(executablePath, [...FLAGS, `--user-data-dir=${folder}`, address], {
    // biome-ignore lint/style/noProcessEnv: what Chromium finds in it is not configuration of ours
    env: { ...process.env, ...env },
    stdio: "ignore",
  });
  const close = async (): Promise<void> => {
    await endProcess(child, "SIGTERM", 5_000);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  const portFile = join(folder, "DevToolsActivePort");
  let found: string | undefined;
  await until("the start of Chromium", START_TIMEOUT_MS, async () => {
    if (!existsSync(portFile)) return false;
    const [port] = readFileSync(portFile, "utf8").split("\n");
    const response = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined);
    const targets = ((await response?.json()) ?? []) as { url: string; webSocketDebuggerUrl: string }[];
    found = targets.find(({ url }) => url.startsWith(address))?.webSocketDebuggerUrl;
    return found !== undefined;
  });
  return { devToolsUrl: found ?? "", close };
}

/**
 * Opens a page of the bench in Chromium without a window.
 *
 * @param entry the page's program, of the folder `page`.
 * @throws Error where there is no Chromium and none can be fetched.
 */
export async function openPage(query: Readonly<Record<string, string>>, entry = "app.ts"): Promise<BenchPage> {
  const server = await serve(entry);
  const page = await openAddress(`${server.url}/?${new URLSearchParams(query)}`);
  return {
    ...page,
    async close() {
      await page.close();
      server.close();
    },
  };
}

/**
 * Opens any address in Chromium without a window.
 *
 * @throws Error where there is no Chromium and none can be fetched.
 */
export async function openAddress(address: string): Promise<BenchPage> {
  const browser = await launch(address);
  const devTools = new DevTools(browser.devToolsUrl);
  await devTools.open();
  // In CPU time, which says the same on a machine that others use as well.
  await devTools.send("Performance.enable", { timeDomain: "threadTicks" });
  return {
    async evaluate(expression) {
      const { result } = await devTools.send("Runtime.evaluate", { expression, returnByValue: true });
      return (result as { readonly value?: unknown }).value;
    },
    async mainThread() {
      const { metrics } = await devTools.send("Performance.getMetrics");
      const list = metrics as readonly { readonly name: string; readonly value: number }[];
      return Object.fromEntries(list.map(({ name, value }) => [name, value]));
    },
    async heapInUse() {
      await devTools.send("HeapProfiler.collectGarbage");
      return Number((await devTools.send("Runtime.getHeapUsage")).usedSize);
    },
    close: browser.close,
  };
}
