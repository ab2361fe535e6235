import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PackedPackage } from "../pack/pack-packages.ts";
import { type Consumer, type ConsumerOptions, createConsumer } from "./consumer.ts";
import type { Gateway } from "./gateway.ts";
import { checkInstalledSize } from "./installed-size.ts";
import { renderOnServer } from "./server-rendering.ts";

/** One way to use the packages. */
export interface Check {
  readonly name: string;
  /** False if it installs a framework that takes minutes; the others are part of `npm test`. */
  readonly isQuick: boolean;
  /** Resolves with a remark for people. Throws if the application does not install, build or run. */
  run(packed: readonly PackedPackage[], startGateway: StartGateway): Promise<string>;
}

/** Starts the gateway with the first call; every call resolves with the same one. */
type StartGateway = () => Promise<Gateway>;

type Verify = (consumer: Consumer, startGateway: StartGateway) => string | Promise<string>;

interface CheckOptions extends ConsumerOptions {
  /** @default true */
  readonly isQuick?: boolean;
}

const check = (name: string, { isQuick = true, ...options }: CheckOptions, verify: Verify): Check => ({
  name,
  isQuick,
  async run(packed, startGateway) {
    const consumer = createConsumer(packed, options);
    try {
      return await verify(consumer, startGateway);
    } finally {
      consumer.remove();
    }
  },
});

function requireText(text: string, wanted: string): void {
  if (!text.includes(wanted)) throw new Error(`"${wanted}" is not in:\n${text.slice(0, 2_000)}`);
}

const kilobytes = (text: string): string => `${(text.length / 1_000).toFixed(0)} kB`;

/** Type-checks and builds the page and returns the script that `index.html` loads. */
function buildPage({ folder, run }: Consumer): string {
  run("tsc");
  run("vite", "build");
  const assets = join(folder, "dist/assets");
  const entry = readdirSync(assets).find((file) => /^index-.*\.js$/.test(file));
  if (!entry) throw new Error(`Vite wrote no script into ${assets}`);
  const script = join(assets, entry);
  requireText(readFileSync(script, "utf8"), "market:prices");
  return script;
}

const runPage: Verify = async (consumer, startGateway) => {
  const script = buildPage(consumer);
  const { url, shown } = await startGateway();
  const page = `http://localhost/?url=${encodeURIComponent(url)}`;
  execFileSync(process.execPath, [join(import.meta.dirname, "page-host.ts"), script, page, shown], {
    stdio: "inherit",
  });
  return `shows "${shown}"`;
};

const managedEdgeAlone = { "socket.io-client": undefined };

const react18 = { react: "18.2.0", "react-dom": "18.2.0", "@types/react": "18.3.32", "@types/react-dom": "18.3.7" };

const buildForServer =
  (bundler: string): Verify =>
  async ({ folder, run }) => {
    run("next", "build", bundler);
    const html = await renderOnServer(folder);
    requireText(html, '<p role="status">subscribing</p>');
    return `server-rendered page of ${kilobytes(html)}`;
  };

const bundleForReactNative: Verify = ({ folder, run }) => {
  run("tsc");
  run("metro", "build", "index.js", "--platform", "ios", "--dev", "false", "--out", "bundle.js");
  const bundle = readFileSync(join(folder, "bundle.js"), "utf8");
  requireText(bundle, "market:prices");
  return kilobytes(bundle);
};

const runJest: Verify = async ({ run }, startGateway) => {
  const { url: gatewayUrl } = await startGateway();
  run("jest", "--globals", JSON.stringify({ gatewayUrl }));
  return "its tests pass";
};

const installedSize = (name: PackedPackage["name"]): Check => ({
  name: `size ${name}`,
  isQuick: true,
  async run(packed) {
    const found = packed.find((each) => each.name === name);
    if (!found) throw new Error(`${name} is not packed`);
    return checkInstalledSize(found);
  },
});

export const checks: readonly Check[] = [
  installedSize("client"),
  installedSize("publisher"),
  installedSize("cdk"),
  check("vite, react 19, jotai 3", { example: "react" }, runPage),
  check("vite, react 19, jotai 2", { example: "react", versions: { jotai: "2.9.3" } }, runPage),
  check("vite, react 18.2, jotai 2.0", { example: "react", versions: { ...react18, jotai: "2.0.0" } }, runPage),
  check("vite without socket.io-client", { example: "react", versions: managedEdgeAlone }, (consumer) => {
    buildPage(consumer);
    return "builds";
  }),
  check("next, turbopack", { example: "next", isQuick: false }, buildForServer("--turbopack")),
  check("next, webpack", { example: "next", isQuick: false }, buildForServer("--webpack")),
  check("jest", { example: "jest" }, runJest),
  check("metro", { example: "react-native", isQuick: false }, bundleForReactNative),
];
