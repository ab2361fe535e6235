import picocolors from "picocolors";
import * as z from "zod";
import { readCommandLine, wholeNumber } from "../../tools/command-line.ts";
import { measureIntegrity } from "./integrity.ts";
import { measureLatency } from "./latency.ts";
import { startPath } from "./setup.ts";

const values = readCommandLine({
  usage: `npm run bench:path -- [options]

  --messages N  published for the integrity of the channel (default 100,000)
  --rate N      messages a second, for latency (default 1,000)
  --clients N   (default 100)
  --seconds N   (default 20)
  --json        prints the rows as JSON
`,
  texts: ["messages", "rate", "clients", "seconds"],
  flags: ["json"],
  schema: z.object({
    messages: wholeNumber(100_000),
    rate: wholeNumber(1_000),
    clients: wholeNumber(100),
    seconds: wholeNumber(20),
    json: z.boolean().default(false),
  }),
});

const path = await startPath();
try {
  const progress = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${picocolors.dim(text)}`);
  };
  const latency = await measureLatency(path, {
    rate: values.rate,
    clients: values.clients,
    seconds: values.seconds,
    progress,
  });
  const integrity = await measureIntegrity(path, { messages: values.messages, progress });
  progress("");
  if (values.json) console.log(JSON.stringify({ latency, integrity }, null, 2));
  else {
    console.log(picocolors.bold("Publish to receive, two gateways, one Redis, all on this machine"));
    console.table([latency]);
    console.log(picocolors.bold("Integrity: every client of both gateways has the whole channel"));
    console.table([integrity]);
  }
  if (integrity.lost + integrity.doubled + integrity.outOfOrder > 0) process.exitCode = 1;
} finally {
  await path.stop();
}
