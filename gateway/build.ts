import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * Bundles the gateway into a folder: `node gateway/build.ts <folder>`. The Dockerfile calls it; the folder then runs
 * with `node main.js` and without `node_modules`.
 */
async function buildGateway(folder: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "main.ts")],
    outfile: join(folder, "main.js"),
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    mainFields: ["module", "main"],
    // Lets CommonJS packages inside an ES module call require.
    banner: {
      js: "import{createRequire as bundledCreateRequire}from'node:module';const require=bundledCreateRequire(import.meta.url);",
    },
    // Native add-ons of one platform, which may not be the image's; ws works without them.
    external: ["bufferutil", "utf-8-validate"],
    logLevel: "warning",
  });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
}

const [folder] = process.argv.slice(2);
if (!folder) throw new TypeError("usage: node gateway/build.ts <folder>");
await buildGateway(folder);
