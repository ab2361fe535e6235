import { startEdge } from "../support/edge.ts";
import { clientSuite } from "./client-suite.ts";

clientSuite("managed", async () => {
  const edge = await startEdge();
  const platform = { publish: edge.publish, issuer: edge.issuer };
  const urlOn = (port: number): string => `ws://127.0.0.1:${port}/local`;
  return { platform, port: edge.api.port, urlOn, stop: () => edge.stop() };
});
