import { digits, line, withSpread } from "../fan-out/report.ts";
import type { measureMemory } from "./memory.ts";
import type { Row } from "./row.ts";
import { type StartRow, stages } from "./start-row.ts";

/** All that the bench measures. */
export interface Report {
  /** When and on what. */
  readonly conditions: string;
  readonly publishing: readonly Row[];
  /** Absent where only some methods were measured. */
  readonly starts?: readonly StartRow[];
  readonly memory?: Awaited<ReturnType<typeof measureMemory>>;
}

const times = (ratio: number | null): string => {
  if (ratio === null || Number.isNaN(ratio)) return "";
  return ratio < 10 ? ratio.toPrecision(2) : digits(Math.round(ratio));
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");

const publishing = (rows: readonly Row[]): string =>
  table(
    [
      "Redis",
      "method",
      "messages/s",
      "CPU of Redis, µs a message",
      "of the publisher",
      "× `PUBLISH`",
      "× one trade",
      "busiest node",
      "limit, messages/s",
      "× 1 shard",
    ],
    rows.map((row) => [
      row.redis,
      row.method,
      withSpread(row.messagesPerSecond),
      withSpread(row.redisCpuMicros),
      withSpread(row.publisherCpuMicros),
      times(row.timesPublish),
      times(row.timesTrade),
      `${Math.round(row.busiestShare * 100)} %`,
      digits(row.limitPerSecond.median),
      times(row.timesOneShard),
    ]),
  );

const starts = (rows: readonly StartRow[]): string =>
  table(
    ["start of a publisher, ms", ...stages, "cold, in all", "warm", "cold / warm"],
    rows.map((row) => [
      row.name,
      ...stages.map((stage) => withSpread(row.stages[stage])),
      withSpread(row.stages.cold),
      withSpread(row.stages.warm),
      times(row.timesWarm),
    ]),
  );

const memory = (rows: NonNullable<Report["memory"]>): string =>
  table(
    ["trades published, of 100 markets", "entries kept", "MB in Redis", "bytes a seen event"],
    rows.map((row) => [
      digits(row.published),
      digits(row.entries),
      String(row.megabytes),
      String(row.bytesPerSeenEvent),
    ]),
  );

/** The tables in Markdown, for the terminal and for the page. */
export const toMarkdown = (report: Report): string =>
  [
    report.conditions,
    publishing(report.publishing),
    ...(report.starts ? [starts(report.starts)] : []),
    ...(report.memory ? [memory(report.memory)] : []),
  ].join("\n\n");
