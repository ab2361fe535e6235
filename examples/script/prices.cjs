// As prices.mjs, from CommonJS.
const { RealtimeClient } = require("@vezta/realtime-client");

const client = new RealtimeClient({ url: process.argv[2] ?? "http://localhost:3000" });

client.subscribe("market:prices", {
  onMessage: ({ marketId, data }) => process.stdout.write(`${marketId}: YES ${data.yes}, NO ${data.no}\n`),
});
