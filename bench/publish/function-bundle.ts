import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { bundling } from "../../infra/constructs/support/bundling.ts";
import { projectRoot } from "../../infra/our-code.ts";
import { provideRuntime } from "../../tools/infra-report/invoke-bundle.ts";

/** A publisher's function as a deploy makes it, and what plays the runtime to it. */
export interface FunctionBundle {
  /** The program to start: it loads the function, which is beside it. */
  readonly host: string;
  remove(): Promise<void>;
}

/** Bundles the publisher of orders with the settings of a deploy, in a folder that has Lambda's AWS SDK. */
export async function bundleFunction(): Promise<FunctionBundle> {
  const folder = await mkdtemp(join(tmpdir(), "vezta-function-"));
  const host = join(folder, "host.mjs");
  const { banner, externalModules, format, mainFields, minify, sourceMap, sourcesContent, target } = bundling;
  await build({
    entryPoints: [join(projectRoot, "lambdas/publishers/orders.handler.ts")],
    outfile: join(folder, "function.mjs"),
    ...{ platform: "node", bundle: true, format, target, minify, sourcesContent, sourcemap: sourceMap },
    mainFields: mainFields && [...mainFields],
    external: externalModules && [...externalModules],
    banner: banner === undefined ? undefined : { js: banner },
  });
  // Node would take the time to strip the host's types, which Lambda's runtime has not.
  await build({
    entryPoints: [join(import.meta.dirname, "function-host.ts")],
    outfile: host,
    ...{ platform: "node", format, target },
  });
  provideRuntime(folder);
  return { host, remove: () => rm(folder, { recursive: true }) };
}
