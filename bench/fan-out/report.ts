import type { Row } from "./row.ts";
import { type ShapeName, shapes } from "./shapes.ts";
import type { Spread } from "./statistics.ts";

const digits = (value: number): string => {
  if (!Number.isFinite(value)) return "-";
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
};

const withSpread = ({ median, minimum, maximum }: Spread): string =>
  `${digits(median)} (${digits(minimum)}–${digits(maximum)})`;

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const HEAD = [
  "server",
  "CPU µs per delivery",
  "× stock",
  "deliveries/s",
  "p50 ms",
  "p99 ms",
  "server core",
  "load core",
  "note",
];

function noteOf(row: Row): string {
  const notes = [];
  if (row.missing > 0) notes.push(`${row.missing} of ${row.deliveries + row.missing} not delivered in time`);
  if (row.isClientBound) notes.push("client-bound");
  return notes.join(", ");
}

const cellsOf = (row: Row): string[] => [
  row.server,
  withSpread(row.cpuSpread),
  row.cpuRatio === null ? "" : row.cpuRatio.toPrecision(2),
  withSpread(row.deliveriesSpread),
  withSpread(row.p50Spread),
  withSpread(row.p99Spread),
  percent(row.serverShare),
  percent(row.loadShare),
  noteOf(row),
];

function tableOf(shape: ShapeName, rows: readonly Row[]): string {
  return [
    `### \`${shape}\`: ${shapes[shape].title}`,
    "",
    line(HEAD),
    line(HEAD.map((_, index) => (index === 0 || index === HEAD.length - 1 ? "---" : "---:"))),
    ...rows.map((row) => line(cellsOf(row))),
  ].join("\n");
}

/** All rows as tables in Markdown, one per shape. */
export function toMarkdown(rows: readonly Row[]): string {
  const names = [...new Set(rows.map(({ shape }) => shape))];
  return names
    .map((shape) =>
      tableOf(
        shape,
        rows.filter((row) => row.shape === shape),
      ),
    )
    .join("\n\n");
}
