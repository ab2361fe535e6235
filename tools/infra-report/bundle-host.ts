/**
 * Runs a function bundle once, as a cold start of Lambda does: `node bundle-host.ts <bundle> <export>`, with the event
 * on standard input. The last line of standard output is the outcome as JSON.
 */
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import * as z from "zod";

const [bundle = "", name = ""] = process.argv.slice(2);
const event: unknown = JSON.parse(await text(process.stdin));

const started = performance.now();
const loaded: unknown = await import(pathToFileURL(bundle).href);
const initialised = performance.now();
const handler = z.record(z.string(), z.unknown()).parse(loaded)[name];
if (typeof handler !== "function") throw new TypeError(`${bundle} exports no function ${name}`);
const result: unknown = await handler(event, { awsRequestId: "request-1" });
const handled = performance.now();

process.stdout.write(
  `\n${JSON.stringify({ result: result ?? null, initMs: initialised - started, handlerMs: handled - initialised })}\n`,
);
// The connection to Redis outlives the invocation, as in Lambda.
process.exit(0);
