import { readFileSync } from "node:fs";

/** Returns the processes that a process has started and that have not ended, as Linux lists them. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
