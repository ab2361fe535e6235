import { RealtimeClient } from "../../client/core/client.ts";
import type { Gap, Message } from "../../client/core/types.ts";
import type { Channel } from "../../contract/channels.ts";
import type { ChannelError } from "../../contract/errors.ts";
import type { Depth } from "../../contract/limits.ts";

export interface FollowOptions {
  readonly url: URL;
  readonly token: string | undefined;
  readonly channels: readonly Channel[];
  readonly marketId?: string | undefined;
  readonly lastId?: string | undefined;
  readonly depth?: Depth | undefined;
  readonly signal: AbortSignal;
  readonly onMessage: (message: Message) => void;
  readonly onGap: (gap: Gap) => void;
  readonly onStatus: (text: string) => void;
}

export interface FollowResult {
  /** Messages of state channels whose sum proved the whole value, and those that it did not. */
  readonly verifiedStates: number;
  readonly wrongStates: number;
}

/**
 * Subscribes as an application does and passes on every message, until the signal.
 *
 * @throws ChannelError where the service refuses a subscription for good.
 */
export async function follow(options: FollowOptions): Promise<FollowResult> {
  const { url, token, channels, marketId, lastId, signal, onMessage, onGap, onStatus } = options;
  const client = new RealtimeClient({
    url: /^wss?:$/.test(url.protocol) ? url.href : url.origin,
    token: token ?? null,
    onError: (error) => onStatus(error.message),
  });
  client.onStatus((status) => onStatus(status));
  const ended = Promise.withResolvers<void>();
  const onError = (error: ChannelError): void => ended.reject(error);
  if (signal.aborted) ended.resolve();
  signal.addEventListener("abort", () => ended.resolve(), { once: true });
  try {
    for (const channel of channels) {
      client.subscribe(channel, {
        ...(marketId === undefined ? {} : { marketId }),
        ...(lastId === undefined ? {} : { lastId }),
        ...(options.depth === undefined ? {} : { depth: options.depth }),
        ...{ onMessage, onGap, onError },
      });
    }
    await ended.promise;
    return client.statistics;
  } finally {
    client.close();
  }
}
