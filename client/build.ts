import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");

/** The subpaths of the package, and the source of each. */
const entries = {
  client: "client/index.ts",
  "client/react": "client/react/index.ts",
  "client/react-native": "client/react-native/index.ts",
};

/** None has to be there: who uses the managed edge without React needs nothing but this package. */
const peers = {
  "socket.io-client": "^4.8.0",
  react: "^18.2.0 || ^19.0.0",
  jotai: "^3.0.0",
  "react-native": ">=0.76.0",
};

/** Makes the compiler print what the schemas infer: an app must not need the schemas' library for its types. */
const payloadSource = `import type { Channel, Payload } from "${join(root, "contract/channels.ts")}";
type Expand<T> = T extends infer O ? { [K in keyof O]: O[K] } : never;
declare function expand(): { [C in Channel]: Expand<Payload<C>> };
export const payloads = expand();
`;

/** Stands in the place of contract/channels.ts. */
const channelTypes = (payloads: string): string => `/** What \`data\` of a message looks like, by channel. */
export interface Payloads ${payloads}

export type Channel = keyof Payloads;

/** What \`data\` of a message on channel \`C\` looks like. */
export type Payload<C extends Channel> = Payloads[C];
`;

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Compiles the entries to declarations, in a folder that mirrors the repository. */
function emitDeclarations(folder: string): void {
  write(join(folder, "payloads.ts"), payloadSource);
  const files = [...Object.values(entries), "client/react-native/react-native.d.ts"].map((file) => join(root, file));
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { declaration: true, emitDeclarationOnly: true, noEmit: false, rootDir: root, outDir: folder },
    files: [...files, join(folder, "payloads.ts")],
  };
  write(join(folder, "tsconfig.json"), JSON.stringify(config));
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { stdio: "inherit" });
  const payloads = readFileSync(join(folder, relative(root, folder), "payloads.d.ts"), "utf8");
  const printed = /payloads: (\{[\s\S]*\});/.exec(payloads)?.[1];
  if (!printed || printed.includes("import("))
    throw new Error(`the payloads' types are not printed whole:\n${payloads}`);
  write(join(folder, "contract/channels.d.ts"), channelTypes(printed));
}

/** Copies a declaration and what it imports, with the endings that a package has. */
function copyDeclaration(source: string, from: string, to: string): void {
  const text = readFileSync(join(from, source.replace(/\.ts$/, ".d.ts")), "utf8");
  write(join(to, source.replace(/\.ts$/, ".d.ts")), text.replaceAll(/(from "\.[^"]+)\.ts"/g, '$1.js"'));
  for (const [, path = ""] of text.matchAll(/from "(\.[^"]+)"/g)) {
    copyDeclaration(join(dirname(source), path), from, to);
  }
}

/** Builds the package into a folder: ESM in shared chunks, declarations, package.json. */
async function buildClient(output: string): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, source]) => [`${name}/index`, source])),
    outdir: output,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    chunkNames: "chunks/[name]-[hash]",
    external: Object.keys(peers),
    legalComments: "none",
    logLevel: "warning",
  });
  const types = join(root, "dist/.client-types");
  emitDeclarations(types);
  for (const source of Object.values(entries)) copyDeclaration(source, types, join(output, "types"));
  rmSync(types, { recursive: true });
  const { name, version, description, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const subpaths = Object.entries(entries).map(([subpath, source]) => [
    `./${subpath}`,
    { types: `./types/${source.replace(/\.ts$/, ".d.ts")}`, default: `./${subpath}/index.js` },
  ]);
  const manifest = {
    ...{ name, version, description, license, type: "module", sideEffects: false },
    exports: Object.fromEntries(subpaths),
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((peer) => [peer, { optional: true }])),
  };
  write(join(output, "README.md"), readFileSync(join(root, "docs/client.md"), "utf8"));
  write(join(output, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

await buildClient(join(root, process.argv[2] ?? "dist/client"));
