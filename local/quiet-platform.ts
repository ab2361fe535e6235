import { type LocalPlatform, startPlatform } from "./platform.ts";

/**
 * What `npm start` runs, on free ports, with one gateway and without the market's own events.
 *
 * @param onNotice hears what the parts have to say, such as that one has ended.
 */
export const startQuietPlatform = (onNotice: (text: string) => void = () => undefined): Promise<LocalPlatform> =>
  startPlatform({
    port: 0,
    edgePort: 0,
    gateways: 1,
    eventsPerSecond: 0,
    seed: 1,
    hasPolling: false,
    onProgress: () => undefined,
    onNotice,
  });
