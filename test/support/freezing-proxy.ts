import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP port in front of another one, whose open connections can go silent while new ones work. */
export interface FreezingProxy {
  readonly port: number;
  /** Where new connections lead from now on. */
  setTarget(port: number): void;
  /** Lets nothing through any more on the connections that are open now, in either direction, without a reset. */
  freeze(): void;
  /** Resets every connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function openFreezingProxy(target: number): Promise<FreezingProxy> {
  let current = target;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer({ noDelay: true }, (incoming) => {
    const outgoing = connect({ port: current, host: "127.0.0.1", noDelay: true });
    const pair = [incoming, outgoing] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [outgoing, incoming] as const]) {
      from.pipe(to);
      // One side's end is the other's, whatever ended it.
      from.on("error", () => to.destroy());
      from.on("close", () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const [incoming, outgoing] of pairs) {
      incoming.destroy();
      outgoing.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    setTarget: (port) => {
      current = port;
    },
    freeze() {
      for (const [incoming, outgoing] of pairs) {
        incoming.unpipe(outgoing).pause();
        outgoing.unpipe(incoming).pause();
      }
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
