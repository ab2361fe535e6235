import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packPackages } from "../../tools/pack/pack-packages.ts";

const root = join(import.meta.dirname, "../..");

/** Limits on the code that an app has to load for the client, in bytes of gzip; docs/client.md says the same. */
const BUDGET = { managed: 18_400, gateway: 32_000, react: 20_700 };

/** What a bundler adds to load Socket.IO later, at most. */
const LOADER = 200;

let consumer = "";
beforeAll(async () => {
  consumer = mkdtempSync(join(tmpdir(), "consumer-"));
  // As it comes from a registry: packed, and unpacked in another place.
  const [client] = await packPackages({ names: ["client"], output: join(consumer, "packages") });
  const folder = join(consumer, "node_modules/@vezta/realtime-client");
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["xzf", client?.tarball ?? "", "-C", folder, "--strip-components=1"]);
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
}, 300_000);
afterAll(() => rmSync(consumer, { recursive: true }));

function install(...names: readonly string[]): void {
  for (const name of names) {
    const link = join(consumer, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
}

interface Bundle {
  /** Bytes of gzip of what loads at once, and of all. */
  readonly first: number;
  readonly whole: number;
  readonly text: string;
  readonly inputs: readonly string[];
}

/** Bundles a program as an app does, with code splitting. */
async function bundle(program: string, external: readonly string[] = []): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: consumer },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    outdir: "out",
    write: false,
    metafile: true,
    external: [...external],
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  const sizes = new Map(outputFiles.map(({ path, contents }) => [path, gzipSync(contents).length]));
  const entry = outputFiles.find(({ path }) => path.endsWith("stdin.js"))?.path ?? "";
  const sum = (paths: readonly string[]): number => paths.reduce((total, path) => total + (sizes.get(path) ?? 0), 0);
  return {
    first: sum(staticFiles(metafile, entry).map((path) => join(process.cwd(), path))),
    whole: sum([...sizes.keys()]),
    text: outputFiles.map(({ text }) => text).join("\n"),
    inputs: Object.keys(metafile.inputs),
  };
}

/** An output and what it imports statically. */
function staticFiles({ outputs }: Metafile, entry: string): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const { kind, path: next } of outputs[path]?.imports ?? []) if (kind === "import-statement") visit(next);
  };
  visit(Object.keys(outputs).find((path) => entry.endsWith(path)) ?? "");
  return [...found];
}

/** The code blocks of the documentation, by language. */
const examples = [...readFileSync(join(root, "docs/client.md"), "utf8").matchAll(/^```(tsx?)\n([\s\S]*?)^```/gm)].map(
  ([, extension = "", text = ""], index) => ({ name: `example-${index}.${extension}`, text: `${text}\nexport {};\n` }),
);

/** Connects to a WebSocket server of its own. */
const CONNECT = `
import { RealtimeClient } from "@vezta/realtime-client";
const { WebSocketServer } = await import(${JSON.stringify(join(root, "node_modules/ws/wrapper.mjs"))});
const server = new WebSocketServer({ port: 0 });
const client = new RealtimeClient({ url: "ws://127.0.0.1:" + server.address().port });
client.onStatus((status) => {
  if (status === "connecting") return;
  console.log(status);
  process.exit();
});
`;

/** Code that must not compile: the compiler complains of a directive that has nothing to expect. */
const WRONG = `
import { RealtimeClient } from "@vezta/realtime-client";
const client = new RealtimeClient({ url: "wss://x" });
// @ts-expect-error no such channel
client.subscribe("market:price", { onMessage: () => undefined });
// @ts-expect-error an order book has no side "maybe"
client.subscribe("market:orderbook", { onMessage: ({ data }) => data.maybe });
client.subscribe("market:orderbook", { onMessage: ({ data }) => data.yes.bids.map(({ size }) => size.length) });
`;

const CORE = `import { RealtimeClient } from "@vezta/realtime-client"; globalThis.client = new RealtimeClient({ url });`;

describe("an app that has nothing but the package", () => {
  it("bundles the core for the managed edge within the budget, without schemas, React or Socket.IO", async () => {
    const { first, text, inputs } = await bundle(CORE);
    process.stdout.write(`core: ${first} bytes of gzip, of ${BUDGET.managed}\n`);
    expect(first).toBeLessThan(BUDGET.managed);
    expect(inputs.every((path) => path === "<stdin>" || path.includes("node_modules/@vezta/realtime-client/"))).toBe(
      true,
    );
    expect(text).not.toMatch(/ZodType|createElement|engine\.io/);
  });

  it("tree-shakes to almost nothing for one small import", async () => {
    const { whole } = await bundle(
      'import { ChannelError } from "@vezta/realtime-client"; throw new ChannelError("internal", "");',
    );
    expect(whole).toBeLessThan(1_000);
  });

  it("connects to a managed edge", () => {
    writeFileSync(join(consumer, "connect.js"), CONNECT);
    const output = execFileSync(process.execPath, [join(consumer, "connect.js")], { encoding: "utf8" });
    expect(output.trim()).toBe("connected");
  });
});

describe("an app with the libraries", () => {
  beforeAll(() => install("socket.io-client", "engine.io-client", "react", "react-dom", "jotai", "@types"));

  it("bundles the core with Socket.IO within the budget, and loads Socket.IO only for the gateway", async () => {
    const { first, whole, text } = await bundle(CORE);
    process.stdout.write(`core and socket.io-client: ${whole} bytes of gzip, of ${BUDGET.gateway}\n`);
    expect(text).toMatch(/engine/);
    expect(whole).toBeLessThan(BUDGET.gateway);
    expect(first).toBeLessThan(BUDGET.managed + LOADER);
  });

  it("bundles the React parts within the budget, beside React and Jotai", async () => {
    const program = `${CORE} export * from "@vezta/realtime-client/react";`;
    const { first } = await bundle(program, ["react", "jotai", "socket.io-client"]);
    process.stdout.write(`core and React parts: ${first} bytes of gzip, of ${BUDGET.react}\n`);
    expect(first).toBeLessThan(BUDGET.react);
  });

  it("has no web-only name in React Native's path, but where it asks whether there is one", async () => {
    const program = 'export * from "@vezta/realtime-client/react-native";';
    const { text } = await bundle(program, ["react", "jotai", "react-native", "socket.io-client"]);
    const found = text.match(
      /\b(window|navigator|location|localStorage|sessionStorage|XMLHttpRequest|document)\b[^:]/g,
    );
    expect(found?.filter((name) => !/^document[,}?]/.test(name)) ?? []).toEqual([]);
  });

  it("type-checks every example of the documentation", () => {
    expect(examples.length).toBeGreaterThan(5);
    for (const { name, text } of examples) writeFileSync(join(consumer, name), text);
    writeFileSync(join(consumer, "wrong.ts"), WRONG);
    const options = { module: "nodenext", target: "es2024", lib: ["es2024", "dom"], jsx: "react-jsx", strict: true };
    const compilerOptions = { ...options, noEmit: true, exactOptionalPropertyTypes: true };
    const files = [...examples.map(({ name }) => name), "wrong.ts"];
    writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout, status } = spawnSync(tsc, ["-p", consumer], { encoding: "utf8" });
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });
});
