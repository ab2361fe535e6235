import type { Writable } from "node:stream";

/** Where commands write: results to stdout, everything for the person at the terminal to stderr. */
export interface Output {
  /** Writes a line of the result. */
  print(line: string): void;
  /** Writes a value of the result as one line of JSON. */
  printJson(value: unknown): void;
  /** Writes a line that is not part of the result. */
  note(line: string): void;
  /** Replaces the progress line at a terminal; elsewhere does nothing, so that logs are not filled. */
  progress(line: string): void;
  /** Removes the progress line. */
  endProgress(): void;
}

const CLEAR_LINE = "\r\u001b[2K";

export function createOutput(stdout: Writable, stderr: Writable & { readonly isTTY?: boolean }): Output {
  let hasProgress = false;
  const endProgress = (): void => {
    if (hasProgress) stderr.write(CLEAR_LINE);
    hasProgress = false;
  };
  const write = (stream: Writable, text: string): void => {
    endProgress();
    stream.write(`${text}\n`);
  };
  return {
    print: (line) => write(stdout, line),
    printJson: (value) => write(stdout, JSON.stringify(value)),
    note: (line) => write(stderr, line),
    progress(line) {
      if (!stderr.isTTY) return;
      stderr.write(`${CLEAR_LINE}${line}`);
      hasProgress = true;
    },
    endProgress,
  };
}

/** Lays out rows in columns as wide as their longest cell; cells of the last column are not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  "),
    )
    .join("\n");
}
