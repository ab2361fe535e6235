import { createPublisher } from "../../publisher/index.ts";
import { messages } from "./messages.ts";

/**
 * Publishes three messages at once through a publisher with the options of the first argument (JSON), closes it, and
 * writes what became of the calls: `node closing-process.ts '{"redis":"redis://127.0.0.1:6379"}'`. It ends on its own,
 * unless something is left open, and with an error where a rejection is not handled.
 */
const publisher = createPublisher({ ...JSON.parse(process.argv[2] ?? ""), logger: { warn: () => undefined } });
const calls = messages("user:orders", "closing", 3).map((message) => publisher.publish(message));
const results = await Promise.allSettled(calls);
await publisher.close();
const names = results.map((result) => (result.status === "fulfilled" ? "published" : describe(result.reason)));
process.stdout.write(JSON.stringify(names));

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.name}: ${error.cause.name}` : error.name;
}
