import { setTimeout as delay } from "node:timers/promises";
import type { AlarmDefinition } from "./alarm-definitions.ts";
import type { AlarmFault } from "./alarm-faults.ts";
import { type Firing, judgeAlarms } from "./judge-alarms.ts";
import { startScene } from "./scene.ts";
import type { Seen } from "./watcher.ts";

/** Minutes of the record before the fault. */
const QUIET_MINUTES = 2;

/** What became of one fault. */
export interface FaultResult {
  readonly name: string;
  readonly description: string;
  readonly expected: string | undefined;
  /** Every alarm that fired, with the minutes since the fault's begin. */
  readonly fired: readonly Firing[];
  readonly seen: Readonly<Seen>;
  /** What was not as it must be; empty where all was. */
  readonly problems: readonly string[];
}

function findProblems(fault: AlarmFault, fired: readonly Firing[]): string[] {
  const { expected, withinMinutes, consequences = [] } = fault;
  const main = fired.find(({ section }) => section === expected);
  const others = fired.filter(({ section }) => section !== expected && !consequences.includes(section));
  return [
    ...(expected !== undefined && !main ? [`${expected} did not fire`] : []),
    ...(main && main.minute > withinMinutes
      ? [`${expected} fired after ${main.minute} minutes, not ${withinMinutes}`]
      : []),
    ...others.map(({ section, minute }) => `${section} fired after ${minute} minutes, and had no reason to`),
  ];
}

/**
 * Runs one fault against processes of its own, and the alarms of the templates over what these wrote.
 *
 * @param minuteMs the ms of this machine that stand for a minute of CloudWatch.
 */
export async function runFault(
  fault: AlarmFault,
  definitions: readonly AlarmDefinition[],
  minuteMs: number,
): Promise<FaultResult> {
  const scene = await startScene({ definitions, minuteMs });
  let end = async (): Promise<void> => undefined;
  try {
    scene.recorder.restart();
    await delay(QUIET_MINUTES * minuteMs);
    scene.markBegin();
    end = await fault.begin(scene);
    const { begunAt } = scene;
    const lasts =
      Math.max(fault.minutes * minuteMs, fault.minimumMs ?? 0) - (scene.recorder.minute - begunAt) * minuteMs;
    await delay(Math.max(minuteMs, lasts));
    const minutes = Math.floor(scene.recorder.minute);
    const fired = judgeAlarms(definitions, scene.recorder.observations, minutes).map((each) => ({
      ...each,
      minute: Math.round((each.minute - begunAt) * 10) / 10,
    }));
    // What waits for a time that is not scaled takes its share of the record.
    const unscaled = (fault.minimumMs ?? 0) / minuteMs;
    const problems = findProblems({ ...fault, withinMinutes: fault.withinMinutes + unscaled }, fired);
    const { name, description, expected } = fault;
    return { name, description, expected, fired, problems, seen: { ...scene.watcher.seen } };
  } finally {
    await end();
    await scene.stop();
  }
}
