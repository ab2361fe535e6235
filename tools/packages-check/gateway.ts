import { type Platform, startPlatform } from "../../test/support/platform.ts";

/** The gateway that the applications connect to; it has a price of market `m1`. */
export interface Gateway {
  readonly url: string;
  /** Text in which an application shows the price. */
  readonly shown: string;
}

/** A gateway that starts when it is first asked for. */
export class SharedGateway {
  #started: Promise<{ platform: Platform; gateway: Gateway }> | undefined;

  readonly start = async (): Promise<Gateway> => {
    this.#started ??= startWithPrice();
    return (await this.#started).gateway;
  };

  async stop(): Promise<void> {
    await (await this.#started)?.platform.stop();
  }
}

async function startWithPrice(): Promise<{ platform: Platform; gateway: Gateway }> {
  const platform = await startPlatform({ gateways: 1 });
  const price = { marketId: "m1", yes: "0.42", no: "0.58", time: Date.now() };
  await platform.publish([{ channel: "market:prices", key: price.marketId, eventId: "first", data: price }]);
  return { platform, gateway: { url: String(platform.gateways[0]?.url), shown: `m1: YES ${price.yes}` } };
}
