import picocolors from "picocolors";
import { messageOf } from "../../kernel/as-error.ts";
import { findFakeTime } from "../../local/fake-time.ts";
import { findRedisServer } from "../../local/redis-server.ts";
import { findChromium } from "./chromium.ts";

const notice = (text: string): void => {
  process.stderr.write(`${picocolors.yellow("!")} ${text}\n`);
};

/**
 * Runs once before the tests: finds the programs that they need beside Node, or fetches them into `.cache`, so that two
 * test files do not fetch the same one at the same time. A program that cannot be fetched is named here; the tests that
 * need it fail with the same words.
 */
export default async function prepareMachine(): Promise<void> {
  const programs = [() => findRedisServer(), () => findFakeTime(), () => findChromium({ onNotice: notice })];
  for (const find of programs) {
    await find().catch((error: unknown) => notice(messageOf(error)));
  }
}
