import { join } from "node:path";

/** The root of this repository. */
export const projectRoot = join(import.meta.dirname, "..");

/** What bundling of the functions in this repository starts from. */
export const ourCode = { projectRoot, depsLockFilePath: join(projectRoot, "package-lock.json") } as const;
