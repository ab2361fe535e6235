import { type GatewayWork, gatewayCores } from "./model.ts";

/** A row of docs/performance.md that the model can be compared with. */
interface MeasuredRow {
  readonly shape: string;
  readonly work: GatewayWork;
  /** µs of gateway CPU per delivery. */
  readonly measured: number;
  /** True where a constant was taken from it, so that it proves nothing. */
  readonly isFitted: boolean;
}

const rows: readonly MeasuredRow[] = [
  {
    shape: "singles",
    work: { connections: 1_000, perClient: 50, messages: 50, connectsPerSecond: 0 },
    measured: 7.96,
    isFitted: true,
  },
  {
    shape: "singles-100",
    work: { connections: 1_000, perClient: 100, messages: 100, connectsPerSecond: 0 },
    measured: 4.84,
    isFitted: true,
  },
  {
    shape: "singles-500",
    work: { connections: 1_000, perClient: 500, messages: 500, connectsPerSecond: 0 },
    measured: 1.08,
    isFitted: true,
  },
  {
    shape: "small-rooms",
    work: { connections: 1_000, perClient: 4, messages: 1_000, connectsPerSecond: 0 },
    measured: 22.3,
    isFitted: true,
  },
  {
    shape: "private",
    work: { connections: 1_000, perClient: 1, messages: 1_000, connectsPerSecond: 0 },
    measured: 49.9,
    isFitted: true,
  },
  {
    shape: "market-trades",
    work: { connections: 600, perClient: 100, messages: 1_000, connectsPerSecond: 0 },
    measured: 8.17,
    isFitted: false,
  },
  {
    shape: "book-100",
    work: { connections: 600, perClient: 100, messages: 1_000, connectsPerSecond: 0 },
    measured: 8.22,
    isFitted: false,
  },
  {
    shape: "half-saturation",
    work: { connections: 1_000, perClient: 1_100, messages: 1_100, connectsPerSecond: 0 },
    measured: 0.426,
    isFitted: true,
  },
  {
    shape: "saturation",
    work: { connections: 1_000, perClient: 2_200, messages: 2_200, connectsPerSecond: 0 },
    measured: 0.245,
    isFitted: true,
  },
];

export interface ModelError {
  readonly shape: string;
  readonly measured: number;
  readonly predicted: number;
  /** The prediction over the measurement, less 1. */
  readonly error: number;
  readonly isFitted: boolean;
}

/** Compares the model's gateway CPU per delivery with what the bench measured. */
export const modelErrors = (): readonly ModelError[] =>
  rows.map(({ shape, work, measured, isFitted }) => {
    const predicted = (gatewayCores(work) * 1e6) / (work.connections * work.perClient);
    return { shape, measured, predicted, error: predicted / measured - 1, isFitted };
  });
