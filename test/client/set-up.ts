import { RealtimeClient, type RealtimeClientOptions } from "@vezta/realtime-client";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Platform, startPlatform } from "../support/platform.ts";
import type { AnySeen } from "./watch.ts";

/** Waits that keep a test with reconnections short. */
export const SHORT_BACKOFF = { minimumMs: 20, maximumMs: 200 };

type CreateClient = (options: RealtimeClientOptions) => RealtimeClient;

/** Returns a function that creates clients, and closes them after each test of the block that calls this. */
export function setUpClients(): CreateClient {
  const clients: RealtimeClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  return (options) => {
    const client = new RealtimeClient({ backoff: SHORT_BACKOFF, ...options });
    clients.push(client);
    return client;
  };
}

export interface GatewayOptions extends Partial<RealtimeClientOptions> {
  /** The user whose token the client has; anonymous without. */
  readonly user?: string;
}

/** Starts a platform with one gateway for the block that calls this, and connects clients to it. */
export function setUpGateway() {
  let platform: Platform | undefined;
  beforeAll(async () => {
    platform = await startPlatform({ gateways: 1 });
  });
  const create = setUpClients();
  afterAll(() => platform?.stop());
  const started = (): Platform => {
    if (!platform) throw new Error("the platform is started before the first test");
    return platform;
  };
  return {
    get platform() {
      return started();
    },
    connect({ user, ...options }: GatewayOptions = {}): RealtimeClient {
      const token = user === undefined ? null : () => started().issuer.sign({ sub: user });
      return create({ url: String(started().gateways[0]?.url), token, ...options });
    },
  };
}

/** Resolves once every subscription is live. */
export const untilLive = (...all: readonly AnySeen[]): Promise<void> =>
  expect.poll(() => all.every(({ subscription }) => subscription.status === "live")).toBe(true);
