import { dirname, join } from "node:path";
import { type InputOptions, type ModuleFormat, type OutputOptions, type Plugin, rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import { externalsOf, type PackageSource, root } from "./package-source.ts";

/** Entries whose components and hooks run in a browser: a React Server Component that imports one needs the mark. */
const isReact = (source: string): boolean => /^client\/react(-native)?\//.test(source);

const escaped = (name: string): string => name.replaceAll(/[.\\/]/g, "\\$&");

/** Matches Node's own modules, and each package with its subpaths. */
const external = (source: PackageSource): RegExp[] => [
  /^node:/,
  ...externalsOf(source).map((name) => new RegExp(`^${escaped(name)}(/|$)`)),
];

/** The endings of the two formats in a package of `"type": "module"`. */
const endings = { esm: "js", cjs: "cjs" } as const;

async function write(input: InputOptions, output: OutputOptions): Promise<void> {
  const bundle = await rolldown({ ...input, cwd: root, onLog: failOnWarning });
  try {
    await bundle.write({ chunkFileNames: "chunks/[name]-[hash].js", ...output });
  } finally {
    await bundle.close();
  }
}

const failOnWarning: InputOptions["onLog"] = (level, log) => {
  if (level === "warn") throw new Error(`${log.code ?? "warning"}: ${log.message}`);
};

/**
 * Loads what the sources import later with `require`, in the same place: Jest's CommonJS modules have no `import()`, and
 * bundlers take a package as optional only where `require` is directly in a `try`.
 */
const requireLater: Plugin = {
  name: "require-later",
  // No line moves, so the source map stays right.
  renderChunk: (code) => ({ code: code.replaceAll(/\bawait import\(("[^"]+")\)/g, "require($1)"), map: null }),
};

async function writeCode(source: PackageSource, folder: string, format: ModuleFormat & keyof typeof endings) {
  const ending = endings[format];
  const platform = source.platform;
  await write(
    {
      ...{ input: source.entries, external: external(source), platform, transform: { target: "es2022" } },
      plugins: format === "cjs" ? [requireLater] : [],
    },
    {
      dir: folder,
      format,
      entryFileNames: `[name].${ending}`,
      chunkFileNames: `chunks/[name]-[hash].${ending}`,
      sourcemap: true,
      exports: "named",
      banner: ({ isEntry, facadeModuleId }) =>
        isEntry && isReact(facadeModuleId?.slice(root.length + 1) ?? "") ? '"use client";' : "",
    },
  );
}

/** Finds the declarations of a relative import, whose ending is that of the source. */
const resolveSources: Plugin = {
  name: "resolve-sources",
  resolveId(id, importer) {
    if (!importer || !/^\.{1,2}\/.*(?<!\.d)\.ts$/.test(id)) return undefined;
    return join(dirname(importer), id.replace(/\.ts$/, ".d.ts"));
  },
};

async function writeTypes(source: PackageSource, folder: string, declarations: string): Promise<void> {
  const input = Object.fromEntries(
    Object.entries(source.entries).map(([name, file]) => [name, join(declarations, file.replace(/\.ts$/, ".d.ts"))]),
  );
  const plugins = [resolveSources, dts({ dtsOnly: true, generator: "oxc", tsconfig: false })];
  for (const ending of Object.values(endings)) {
    const type = ending === "js" ? "d.ts" : "d.cts";
    await write(
      { input, external: external(source), plugins },
      { dir: folder, format: "esm", entryFileNames: `[name].${type}`, chunkFileNames: `chunks/[name]-[hash].${type}` },
    );
  }
}

/** Builds a package into a folder: ESM, CommonJS and the types of each, with chunks that the entries share. */
export async function bundlePackage(source: PackageSource, folder: string, declarations: string): Promise<void> {
  await writeCode(source, folder, "esm");
  await writeCode(source, folder, "cjs");
  await writeTypes(source, folder, declarations);
}
