import { startPlatform } from "../support/platform.ts";
import { clientSuite } from "./client-suite.ts";

clientSuite("gateway", async () => {
  const platform = await startPlatform({ gateways: 1 });
  const port = Number(new URL(String(platform.gateways[0]?.url)).port);
  return { platform, port, urlOn: (other) => `http://127.0.0.1:${other}`, stop: () => platform.stop() };
});
