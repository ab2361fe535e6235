import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Length of a tick of /proc/stat, in microseconds: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MICROS = 10_000;

/** A file of /proc for each thread of a process. */
function readThreads(pid: number, file: "schedstat" | "children"): string[] {
  const threads = `/proc/${pid}/task`;
  return readdirSync(threads).flatMap((thread) => {
    try {
      return [readFileSync(`${threads}/${thread}/${file}`, "utf8")];
    } catch {
      // The thread has ended between the two looks.
      return [];
    }
  });
}

/**
 * CPU time of all threads of a process so far, in microseconds; of Linux's scheduler, so that short spells count.
 *
 * @throws Error where the process has ended.
 */
export function cpuMicros(pid: number): number {
  if (!existsSync(`/proc/${pid}/task`)) throw new Error(`process ${pid} has ended`);
  const nanoseconds = readThreads(pid, "schedstat").map((text) => Number(text.split(" ")[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1_000;
}

/** A process, those that it started, and so on. */
export function treeOf(pid: number): number[] {
  if (!existsSync(`/proc/${pid}/task`)) return [pid];
  const children = readThreads(pid, "children").flatMap((text) => text.split(" ").filter(Boolean).map(Number));
  return [pid, ...children.flatMap(treeOf)];
}

/** Time for which a core was not idle since the start of the machine, in microseconds. */
export function busyMicros(core: number): number {
  const line = new RegExp(`^cpu${core} (.+)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  const [user = 0, nice = 0, system = 0, _idle, _wait, interrupts = 0, softInterrupts = 0, stolen = 0] = line
    .split(" ")
    .map(Number);
  return (user + nice + system + interrupts + softInterrupts + stolen) * TICK_MICROS;
}

/** Memory of a process and those that it started that is in RAM now, in bytes; what they share counts for each. */
export function residentBytes(pid: number): number {
  const kibibytes = treeOf(pid).map((each) => {
    const status = readFileSync(`/proc/${each}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, each) => sum + each, 0) * 1_024;
}
