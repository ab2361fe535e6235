/** How evenly the connections of one replacement came back. */
export interface Reconnects {
  readonly count: number;
  /** From the first to the last, but for one in a hundred at each end. */
  readonly seconds: number;
  readonly meanPerSecond: number;
  /** In the busiest tenth of that time. */
  readonly peakPerSecond: number;
}

const PARTS = 10;
const LEFT_OUT = 0.01;

/** Summarizes the times of connections, in ms since 1970. */
export function summarizeReconnects(times: readonly number[]): Reconnects {
  const sorted = [...times].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length * LEFT_OUT);
  const counted = sorted.slice(cut, sorted.length - cut);
  const [first = 0] = counted;
  const span = Math.max(1, (counted.at(-1) ?? first) - first);
  const parts = new Array<number>(PARTS).fill(0);
  for (const time of counted) {
    const part = Math.min(PARTS - 1, Math.floor(((time - first) / span) * PARTS));
    parts[part] = (parts[part] ?? 0) + 1;
  }
  const perSecond = 1_000 / span;
  return {
    count: times.length,
    seconds: span / 1_000,
    meanPerSecond: counted.length * perSecond,
    peakPerSecond: Math.max(...parts) * PARTS * perSecond,
  };
}

/** The value that a share of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
