import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { measure, type Row } from "./run.ts";
import { startBenchEdge } from "./setup.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "20" },
    markets: { type: "string", default: "50" },
    /** Updates a second over all markets; several with commas. */
    rates: { type: "string", default: "20,1000" },
    seconds: { type: "string", default: "10" },
    /** How long a post takes, in ms. */
    "post-ms": { type: "string", default: "10" },
    /** Invocations of the fan-out at once; AWS takes 2 or more. */
    concurrency: { type: "string", default: "2" },
    /** How long a fan-out rests after a batch that was not full, in ms: RT_EDGE_WINDOW_MS. */
    "window-ms": { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${picocolors.dim(text)}`);
};

const rows: Row[] = [];
for (const rate of values.rates.split(",").map(Number)) {
  for (const channel of ["market:trades", "market:prices"] as const) {
    progress(`${rate} updates a second on ${channel}`);
    const edge = await startBenchEdge({
      postMs: Number(values["post-ms"]),
      concurrency: Number(values.concurrency),
      windowMs: Number(values["window-ms"]),
    });
    try {
      const { clients, markets, seconds } = values;
      const size = { clients: Number(clients), markets: Number(markets), seconds: Number(seconds) };
      rows.push(...(await measure(edge, { channel, rate, ...size })));
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
