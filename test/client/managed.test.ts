import { startEdge } from "../support/edge.ts";
import { clientSuite } from "./client-suite.ts";

clientSuite("managed", async () => {
  const edge = await startEdge();
  const platform = { publish: edge.publish, issuer: edge.issuer };
  return { platform, port: edge.api.port, urlOn: (port) => `ws://127.0.0.1:${port}/local`, stop: () => edge.stop() };
});
