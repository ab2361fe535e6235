import picocolors from "picocolors";
import * as z from "zod";
import { list, positive, readCommandLine, wholeNumber } from "../../tools/command-line.ts";
import { measure, type Row } from "./run.ts";
import { startBenchEdge } from "./setup.ts";

const values = readCommandLine({
  usage: `npm run bench:edge -- [options]

  --clients N      (default 20)
  --markets N      (default 50)
  --rates a,b      updates a second over all markets (default 20,1000)
  --seconds N      of each run (default 10)
  --post-ms N      duration of a post (default 10)
  --concurrency N  fan-outs at once; AWS takes 2 or more (default 2)
  --window-ms N    rest of a fan-out after a batch that was not full: RT_EDGE_WINDOW_MS (default 0)
  --json           prints the rows as JSON
`,
  texts: ["clients", "markets", "rates", "seconds", "post-ms", "concurrency", "window-ms"],
  flags: ["json"],
  schema: z.object({
    clients: wholeNumber(20),
    markets: wholeNumber(50),
    rates: list(["20", "1000"]).pipe(z.array(positive)),
    seconds: wholeNumber(10),
    "post-ms": z.coerce.number().min(0).default(10),
    concurrency: wholeNumber(2),
    "window-ms": z.coerce.number().min(0).default(0),
    json: z.boolean().default(false),
  }),
});

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${picocolors.dim(text)}`);
};

const rows: Row[] = [];
for (const rate of values.rates) {
  for (const channel of ["market:trades", "market:prices"] as const) {
    progress(`${rate} updates a second on ${channel}`);
    const edge = await startBenchEdge({
      postMs: values["post-ms"],
      concurrency: values.concurrency,
      windowMs: values["window-ms"],
    });
    try {
      const { clients, markets, seconds } = values;
      rows.push(...(await measure(edge, { channel, rate, clients, markets, seconds })));
    } finally {
      await edge.stop();
    }
  }
}
progress("");
if (values.json) console.log(JSON.stringify(rows, null, 2));
else {
  console.log(picocolors.bold("The managed edge: posts and list price for updates delivered to each client"));
  console.log(
    `${values.clients} clients of the whole channel, ${values.markets} markets, ${values["post-ms"]} ms a post, ` +
      `${values.concurrency} fan-outs at once, a rest of ${values["window-ms"]} ms; without Redis and connection minutes ($0.25 a million)`,
  );
  console.table(rows);
}
