import { readdirSync, readFileSync } from "node:fs";

/** CPU time of all threads of a process so far, in microseconds; of Linux's scheduler, so that short spells count. */
export function cpuMicros(pid: number): number {
  const tasks = `/proc/${pid}/task`;
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

/** Memory of a process that is in RAM now, in bytes. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes ?? 0) * 1_024;
}
