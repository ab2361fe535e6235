import { readFileSync } from "node:fs";
import { matchesGlob } from "node:path";

interface Pattern {
  readonly glob: string;
  readonly isKept: boolean;
}

/** Whether a path, relative to the build's context, is one that a pattern names, or is below one. */
const isNamed = (path: string, glob: string): boolean =>
  // In Node's globs a star does not stand for names that begin with a dot; in Docker's it does.
  glob === "*" || matchesGlob(path, glob) || matchesGlob(path, `${glob}/**`);

/** Says of a path whether `.dockerignore` lets it into the build: as in Docker, the last pattern that names it decides. */
export function readDockerignore(file: string): (path: string) => boolean {
  const patterns: readonly Pattern[] = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ glob: line.replace(/^!/, ""), isKept: line.startsWith("!") }));
  return (path) => patterns.findLast(({ glob }) => isNamed(path, glob))?.isKept ?? true;
}
