import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Length of a tick of /proc/stat, in microseconds: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MICROS = 10_000;

/**
 * CPU time of all threads of a process so far, in microseconds; of Linux's scheduler, so that short spells count.
 *
 * @throws Error where the process has ended.
 */
export function cpuMicros(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) throw new Error(`process ${pid} has ended`);
  const nanoseconds = readdirSync(tasks).map((task) => {
    try {
      return Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // The thread has ended between the two looks.
      return 0;
    }
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1_000;
}

/** A process and those that it started, and they. */
export function treeOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [pid];
  const children = readdirSync(tasks).flatMap((task) => {
    try {
      return readFileSync(`${tasks}/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    } catch {
      // The thread has ended between the two looks.
      return [];
    }
  });
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
export function residentBytes(server: number): number {
  const kibibytes = treeOf(server).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, each) => sum + each, 0) * 1_024;
}
