/**
 * Where programs and libraries of this machine are looked for. `INSTALLED_PROGRAMS=false` empties the lists, so that a
 * machine that has Redis, Chromium and libfaketime fetches them as one does that has none.
 */
// biome-ignore-start lint/style/noProcessEnv: what the machine has is not configuration of ours
const isUsed = process.env.INSTALLED_PROGRAMS !== "false";

/** Folders as in `PATH`. */
export const programFolders: string = isUsed ? (process.env.PATH ?? "") : "";
// biome-ignore-end lint/style/noProcessEnv: see above

export const libraryFolders: readonly string[] = isUsed ? ["/usr/lib", "/usr/lib64"] : [];
