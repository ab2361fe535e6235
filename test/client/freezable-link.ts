import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP port in front of another one whose connections can stop without a sign, as when a phone changes networks. */
export interface FreezableLink {
  readonly port: number;
  /** Forwards nothing more on the existing connections, which stay open. New ones work. */
  freeze(): void;
  /** Returns the number of connections made so far. */
  readonly count: () => number;
  close(): Promise<void>;
}

/** Opens a link on a port of 127.0.0.1, by default a free one. */
export async function openFreezableLink(target: number, listenOn = 0): Promise<FreezableLink> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer({ noDelay: true }, (incoming) => {
    count += 1;
    const outgoing = connect({ port: target, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to, { end: false });
    }
  });
  server.listen(listenOn, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    count: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
