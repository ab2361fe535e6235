import { type LocalPlatform, startPlatform } from "./platform.ts";

/**
 * Starts what `npm start` runs, on free ports, with one gateway and without the market's own events.
 *
 * @param onNotice called with each notice of a part, such as that it has ended.
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
