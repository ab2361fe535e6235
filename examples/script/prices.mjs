// Prints prices: node prices.mjs [url]. Without a URL it connects to `npm start` of the repository.
import { RealtimeClient } from "@vezta/realtime-client";

const client = new RealtimeClient({ url: process.argv[2] ?? "http://localhost:3000" });

for await (const { marketId, data } of client.messages("market:prices")) {
  process.stdout.write(`${marketId}: YES ${data.yes}, NO ${data.no}\n`);
}
