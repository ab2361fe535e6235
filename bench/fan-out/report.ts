import type { Measure, Measurement } from "./measurement.ts";
import type { Row } from "./row.ts";
import type { ServerName } from "./servers/servers.ts";
import type { Shape, ShapeName } from "./shapes.ts";
import type { Spread } from "./statistics.ts";
import type { TopologyName } from "./topologies.ts";

const MEBIBYTE = 2 ** 20;
const KIBIBYTE = 2 ** 10;

interface Column {
  readonly measure: Measure;
  readonly title: string;
  readonly unit?: number;
  /** The topologies whose tables have the column; all of them unless said. */
  readonly only?: readonly TopologyName[];
}

/** Where books and portfolios are sent: a server may leave some of them out, and Redis has more to do. */
const ofStates: readonly TopologyName[] = ["markets", "books-of-five", "portfolios", "application"];

/** In the order of the tables; a table has those that its shape measures. */
const columns: readonly Column[] = [
  { measure: "cpuMicrosPerDelivery", title: "CPU µs per delivery" },
  { measure: "deliveriesPerSecond", title: "deliveries/s" },
  { measure: "bytesPerDelivery", title: "bytes per delivery" },
  { measure: "bytesPerMessage", title: "bytes per message and client", only: ofStates },
  { measure: "cpuMicrosPerMessage", title: "CPU µs per message and client", only: ofStates },
  { measure: "bytesPerSecond", title: "MB/s", unit: 1e6, only: ofStates },
  { measure: "redisCpuMicros", title: "Redis CPU µs per message", only: ofStates },
  { measure: "redisBytes", title: "Redis bytes out per message", only: ofStates },
  { measure: "publisherCpuMicros", title: "publisher CPU µs per message", only: ofStates },
  { measure: "applicationCpuMicros", title: "client's CPU µs per message, in Node" },
  { measure: "cpuMicrosPerHandshake", title: "CPU µs per handshake" },
  { measure: "handshakesPerSecond", title: "handshakes/s" },
  { measure: "bytesPerConnection", title: "KiB per connection", unit: KIBIBYTE },
  { measure: "rssAtStartBytes", title: "RSS MiB at first", unit: MEBIBYTE },
  { measure: "rssPeakBytes", title: "RSS MiB at most", unit: MEBIBYTE },
  { measure: "p50Ms", title: "p50 ms" },
  { measure: "p99Ms", title: "p99 ms" },
];

/** Three significant digits, or a whole number from 1,000 on. */
export const digits = (value: number): string => {
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
};

/** `median (minimum–maximum)`, in the unit. */
export const withSpread = ({ median, minimum, maximum }: Spread, unit = 1): string => {
  const text = digits(median / unit);
  return minimum === maximum ? text : `${text} (${digits(minimum / unit)}–${digits(maximum / unit)})`;
};

const ratio = (value: number | undefined): string => (value === undefined ? "" : value.toPrecision(2));

const percent = (share: Spread | undefined): string => (share ? `${Math.round(share.median * 100)} %` : "");

/** A row of a Markdown table. */
export const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function noteOf(row: Row): string {
  const notes = [];
  if (row.missing > 0) notes.push(`${row.missing} of ${row.deliveries + row.missing} not delivered in time`);
  if (row.isClientBound) notes.push("client-bound");
  if (row.isDisturbed) notes.push("disturbed");
  return notes.join(", ");
}

function tableOf(name: ShapeName, { title, topology, compares }: Shape, rows: readonly Row[]): string {
  const used = columns.filter(
    ({ measure, only }) => (only?.includes(topology) ?? true) && rows.some(({ measures }) => measures[measure]),
  );
  const head = [
    "server",
    ...used.map((column) => column.title),
    "× stock",
    "× uws",
    "server core",
    "load core",
    "note",
  ];
  const cellsOf = (row: Row): string[] => [
    row.server,
    ...used.map(({ measure, unit }) => {
      const value = row.measures[measure];
      return value ? withSpread(value, unit) : "";
    }),
    ratio(row.overStock[compares]),
    ratio(row.overNative[compares]),
    percent(row.measures.serverShare),
    percent(row.measures.loadShare),
    noteOf(row),
  ];
  const compared = columns.find(({ measure }) => measure === compares)?.title;
  return [
    `### \`${name}\`: ${title}`,
    "",
    `Ratios are those of ${compared}; runs: ${Math.max(...rows.map(({ runs }) => runs))}.`,
    "",
    line(head),
    line(head.map((_, index) => (index === 0 || index === head.length - 1 ? "---" : "---:"))),
    ...rows.map((row) => line(cellsOf(row))),
  ].join("\n");
}

/** Formats the results of one run as one line for whoever watches. */
export function toLine(shape: ShapeName, server: ServerName, { values, expected, deliveries }: Measurement): string {
  const figures = columns.flatMap(({ measure, title, only, unit = 1 }) => {
    const value = only ? undefined : values[measure];
    return value === undefined || Number.isNaN(value) ? [] : [`${title} ${digits(value / unit)}`];
  });
  const missing = expected > deliveries ? [`${expected - deliveries} of ${expected} not delivered in time`] : [];
  return `${shape.padEnd(16)} ${server.padEnd(14)} ${[...figures, ...missing].join(", ")}`;
}

/** All rows as tables in Markdown, one per shape. */
export const toMarkdown = (rows: readonly Row[], shapes: ReadonlyMap<ShapeName, Shape>): string =>
  [...shapes]
    .map(([name, shape]) => ({ name, shape, own: rows.filter((row) => row.shape === name) }))
    .filter(({ own }) => own.length > 0)
    .map(({ name, shape, own }) => tableOf(name, shape, own))
    .join("\n\n");
