/** Results of one fault, over all its rounds. Counts are of all clients and gateways together. */
export interface Row {
  readonly fault: string;
  /** Messages that the publisher acknowledged. */
  readonly published: number;
  /** Holes that the drill certainly made between Redis and the gateways: one per stream and gateway concerned. */
  readonly holesInjected: number;
  /** Holes that gateways or clients found; the faults make more than those that are sure. */
  readonly holesDetected: number;
  readonly holesRepaired: number;
  /** Holes that an application was left with and not told of. */
  readonly undetected: number;
  /** Messages that an application got twice. */
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** Messages that Redis holds and an application did not get. */
  readonly lost: number;
  /** Time from when Redis took an entry that could not go the usual way until the application had it. */
  readonly repairP50Ms: number;
  readonly repairP99Ms: number;
  /** Acknowledged writes that Redis itself lost in a failover. */
  readonly lostByRedis: number;
  /** Number of times that an application was notified that a stream could not be completed. */
  readonly reported: number;
  /** By the second judge: streams as single clients saw them, messages they got, losses they were notified of. */
  readonly histories: number;
  readonly applied: number;
  readonly told: number;
  /** Broken promises that the second judge found, of all kinds, and by kind. */
  readonly violations: number;
  readonly violationKinds: Readonly<Record<string, number>>;
  /** Effects of the fault, in numbers. */
  readonly did: Readonly<Record<string, number>>;
}

/** One round of a fault: as a row, with the single times in place of their percentiles. */
export interface RoundResult extends Omit<Row, "fault" | "repairP50Ms" | "repairP99Ms"> {
  readonly repairMs: readonly number[];
  /** Descriptions of the problems, in words. */
  readonly problems: readonly string[];
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const counted = [
  ...(["published", "holesInjected", "holesDetected", "holesRepaired", "undetected"] as const),
  ...(["duplicates", "outOfOrder", "lost", "lostByRedis", "reported"] as const),
  ...(["histories", "applied", "told", "violations"] as const),
];

/** Adds up counts by name. */
function addUp(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of all.flatMap((each) => Object.entries(each))) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** Adds up the rounds of a fault. */
export function toRow(fault: string, rounds: readonly RoundResult[]): Row {
  const sum = (name: (typeof counted)[number]): number => rounds.reduce((total, round) => total + round[name], 0);
  const times = rounds.flatMap(({ repairMs }) => repairMs).toSorted((a, b) => a - b);
  return {
    fault,
    published: sum("published"),
    holesInjected: sum("holesInjected"),
    holesDetected: sum("holesDetected"),
    holesRepaired: sum("holesRepaired"),
    undetected: sum("undetected"),
    duplicates: sum("duplicates"),
    outOfOrder: sum("outOfOrder"),
    lost: sum("lost"),
    repairP50Ms: percentile(times, 0.5),
    repairP99Ms: percentile(times, 0.99),
    lostByRedis: sum("lostByRedis"),
    reported: sum("reported"),
    histories: sum("histories"),
    applied: sum("applied"),
    told: sum("told"),
    violations: sum("violations"),
    violationKinds: addUp(rounds.map(({ violationKinds }) => violationKinds)),
    did: addUp(rounds.map(({ did }) => did)),
  };
}

/** The promises that a row breaks, in words; none where all is well. */
export function brokenPromises(row: Row): string[] {
  const zero = (["undetected", "duplicates", "outOfOrder", "lost"] as const).filter((name) => row[name] > 0);
  const broken = zero.map((name) => `${row.fault}: ${name} is ${row[name]}, must be 0`);
  if (row.holesDetected < row.holesInjected) {
    broken.push(`${row.fault}: ${row.holesInjected} holes injected, but only ${row.holesDetected} detected`);
  }
  const kinds = Object.entries(row.violationKinds).map(([kind, count]) => `${kind} ${count}`);
  if (row.violations > 0) broken.push(`${row.fault}: the second judge found ${kinds.join(", ")}, must be none`);
  return broken;
}
