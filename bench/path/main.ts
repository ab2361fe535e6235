import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { measureIntegrity } from "./integrity.ts";
import { measureLatency } from "./latency.ts";
import { startPath } from "./setup.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    rate: { type: "string", default: "1000" },
    clients: { type: "string", default: "100" },
    seconds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});

const path = await startPath();
try {
  const progress = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${picocolors.dim(text)}`);
  };
  const latency = await measureLatency(path, {
    rate: Number(values.rate),
    clients: Number(values.clients),
    seconds: Number(values.seconds),
    progress,
  });
  const integrity = await measureIntegrity(path, { messages: Number(values.messages), progress });
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
