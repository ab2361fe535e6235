/** The middle of the values; the mean of the two middle ones where their number is even. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Summary of several runs: the middle, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
}

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  minimum: Math.min(...values),
  maximum: Math.max(...values),
});
