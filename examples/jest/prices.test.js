// Needs a gateway: `npm start` of the repository, or jest --globals '{"gatewayUrl": "http://…"}'.
const { RealtimeClient } = require("@vezta/realtime-client");

const client = new RealtimeClient({ url: globalThis.gatewayUrl ?? "http://localhost:3000" });

afterAll(() => client.close());

test("a price arrives", async () => {
  const { data } = await new Promise((resolve) => client.subscribe("market:prices", { onMessage: resolve }));

  expect(data).toMatchObject({ yes: expect.any(String), no: expect.any(String) });
});
