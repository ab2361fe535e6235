import { readFileSync } from "node:fs";
import { ImageError } from "./built-image.ts";

/** One instruction: `COPY` with `--from=build dist ./`. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  /** `build` of `FROM … AS build`; the last stage has none. */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** Reads the instructions of a Dockerfile, stage by stage. Global arguments are left out: a folder has no base image. */
export function readDockerfile(path: string): readonly Stage[] {
  const lines = readFileSync(path, "utf8")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const stages: { name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", text = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === "") throw new ImageError(`${path}: cannot read the line: ${line}`);
    if (name === "FROM") stages.push({ name: / AS (\w+)$/.exec(text)?.[1], instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text });
  }
  if (stages.length === 0) throw new ImageError(`${path}: has no stage`);
  return stages;
}
