import { join } from "node:path";

/** The root of this repository. */
export const projectRoot = join(import.meta.dirname, "..");

/** The bundling root and lock file of the functions in this repository. */
export const ourCode = { projectRoot, depsLockFilePath: join(projectRoot, "package-lock.json") } as const;
