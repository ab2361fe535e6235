const GIB = 1_024;

const steps = (from: number, to: number, step: number): number[] =>
  Array.from({ length: (to - from) / step + 1 }, (_, index) => from + index * step);

/** The memory sizes (MiB) of Fargate for each number of CPU units (1,024 are one vCPU). */
export const fargateSizes: Readonly<Record<number, readonly number[]>> = {
  256: [512, GIB, 2 * GIB],
  512: steps(GIB, 4 * GIB, GIB),
  1024: steps(2 * GIB, 8 * GIB, GIB),
  2048: steps(4 * GIB, 16 * GIB, GIB),
  4096: steps(8 * GIB, 30 * GIB, GIB),
};

export const fargateCpuUnits = Object.keys(fargateSizes).map(Number);
