import colors from "picocolors";
import { brokenPromises, type Row } from "./row.ts";

type NumberColumn = Exclude<keyof Row, "fault" | "violationKinds" | "did">;

const columns: readonly (readonly [NumberColumn, string])[] = [
  ["published", "published"],
  ["holesInjected", "injected"],
  ["holesDetected", "detected"],
  ["holesRepaired", "repaired"],
  ["undetected", "undetected"],
  ["duplicates", "doubled"],
  ["outOfOrder", "disorder"],
  ["lost", "lost"],
  ["lostByRedis", "lost by Redis"],
  ["reported", "told"],
  ["repairP50Ms", "p50 ms"],
  ["repairP99Ms", "p99 ms"],
  ["histories", "histories"],
  ["told", "told (2)"],
  ["violations", "broken (2)"],
];

/** Columns that must be 0. */
const promises = new Set<NumberColumn>(["undetected", "duplicates", "outOfOrder", "lost", "violations"]);

const FAULT_WIDTH = 23;

const widthOf = (title: string): number => Math.max(title.length, 8) + 2;

/** The titles of the table. */
export const tableHead = (): string =>
  colors.bold("fault".padEnd(FAULT_WIDTH) + columns.map(([, title]) => title.padStart(widthOf(title))).join(""));

/** One line of the table: green where every promise is kept, with the broken ones in red. */
export function tableLine(row: Row): string {
  const cells = columns.map(([name, title]) => {
    const text = row[name].toLocaleString("en").padStart(widthOf(title));
    if (!promises.has(name)) return text;
    return row[name] > 0 ? colors.red(colors.bold(text)) : colors.green(text);
  });
  const paint = brokenPromises(row).length > 0 ? colors.red : colors.green;
  return paint(row.fault.padEnd(FAULT_WIDTH)) + cells.join("");
}

const markdownCells = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/**
 * The whole table in Markdown, as docs/delivery.md has it.
 *
 * @param descriptions what each fault is, by its name
 */
export function markdownTable(rows: readonly Row[], descriptions: Readonly<Record<string, string>>): string {
  const head = ["fault", "", ...columns.map(([, title]) => title)];
  const lines = rows.map((row) => {
    const cells = columns.map(([name]) => row[name].toLocaleString("en"));
    return markdownCells([`\`${row.fault}\``, descriptions[row.fault] ?? "", ...cells]);
  });
  return [markdownCells(head), markdownCells(head.map(() => "---")), ...lines].join("\n");
}
