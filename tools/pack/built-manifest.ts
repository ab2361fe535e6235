import { entryName, type PackageSource } from "./package-source.ts";

const conditions = (name: string): object => ({
  import: { types: `./${name}.d.ts`, default: `./${name}.js` },
  require: { types: `./${name}.d.cts`, default: `./${name}.cjs` },
});

/** Returns the package.json of a built package: its source's, with the built files in place of the source files. */
export function builtManifest({ manifest }: PackageSource): object {
  const subpaths = Object.keys(manifest.exports).map((subpath) => [subpath, conditions(entryName(subpath))]);
  return {
    ...manifest,
    files: ["*.js", "*.cjs", "*.d.ts", "*.d.cts", "*.map", "chunks", "CHANGELOG.md"],
    publishConfig: { access: "restricted" },
    // For tools that do not read `exports`; subpaths are files of the same name for them.
    main: "./index.cjs",
    module: "./index.js",
    types: "./index.d.cts",
    exports: { ...Object.fromEntries(subpaths), "./package.json": "./package.json" },
  };
}
