import { until } from "../../drill/until.ts";
import { median } from "../fan-out/statistics.ts";
import { type BenchPage, openPage } from "./browser.ts";
import { messagesOf, READ, type StateShape, takeMessages } from "./state-load.ts";

const ROUNDS = 9;

const START_TIMEOUT_MS = 10_000;

const LEVELS = [8, 100, 200];

const shapes: readonly StateShape[] = LEVELS.flatMap((levels) =>
  [false, true].flatMap((isMirrored) => ([undefined, READ] as const).map((depth) => ({ levels, isMirrored, depth }))),
);

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** CPU time: on a machine that does other work, the clock also measures that. */
function cpuMicrosOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The median of the rounds, in µs of CPU a message. */
function measureHere({ depth, ...shape }: StateShape, count: number) {
  const messages = messagesOf({ depth, ...shape }, count);
  const texts = messages.map((message) => JSON.stringify(message));
  const micros = (what: typeof messages | typeof texts): number =>
    median(Array.from({ length: ROUNDS }, () => cpuMicrosOf(() => takeMessages(what, depth)) / messages.length));
  return { node: rounded(micros(messages)), nodeWithParsing: rounded(micros(texts)) };
}

async function measureInPage(page: BenchPage, shape: StateShape, count: number) {
  const run = async (): Promise<number> => {
    const before = await page.mainThread();
    const failure = await page.evaluate(`run(${JSON.stringify(shape)})`);
    if (failure !== undefined) throw new Error(`in Chromium: ${failure}`);
    const after = await page.mainThread();
    return (((after.TaskDuration ?? 0) - (before.TaskDuration ?? 0)) * 1e6) / count;
  };
  const micros = async (isParsed: boolean): Promise<number> => {
    await page.evaluate(`prepare(${JSON.stringify(shape)}, ${count}, ${isParsed})`);
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await run());
    return rounded(median(rounds));
  };
  return { chromium: await micros(true), chromiumWithParsing: await micros(false) };
}

/** Measures what a change of an order book costs a client: proof, whole value, and the best levels read. */
export async function measureStates(count: number): Promise<object[]> {
  const page = await openPage({}, "states.ts");
  try {
    await until("the page's program", START_TIMEOUT_MS, async () => (await page.evaluate("typeof run")) === "function");
    const rows: object[] = [];
    for (const shape of shapes) {
      const { levels, isMirrored, depth = "all" } = shape;
      const here = measureHere(shape, count);
      rows.push({ levels, mirrored: isMirrored, depth, ...here, ...(await measureInPage(page, shape, count)) });
    }
    return rows;
  } finally {
    await page.close();
  }
}
