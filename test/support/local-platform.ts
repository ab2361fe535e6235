import { type LocalPlatform, startPlatform } from "../../local/platform.ts";

/** What `npm start` runs, on free ports, with one gateway and without the market's own events. */
export const startQuietPlatform = (): Promise<LocalPlatform> =>
  startPlatform({
    port: 0,
    edgePort: 0,
    gateways: 1,
    eventsPerSecond: 0,
    seed: 1,
    hasPolling: false,
    onProgress: () => undefined,
    onNotice: () => undefined,
  });
