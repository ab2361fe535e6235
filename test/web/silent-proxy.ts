import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP port in front of another one that can fall silent: it takes everything and passes on nothing. */
export interface SilentProxy {
  readonly port: number;
  /** Stops passing anything on, in both directions, and accepts new connections in silence. Nobody is reset. */
  freeze(): void;
  /** Passes everything on again, what was held first. */
  thaw(): void;
  close(): Promise<void>;
}

/** Opens one on a free port of this machine. */
export async function openSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.pipe(to);
    // A pipe flows from the start: what is paused here stays so until `thaw`.
    if (isFrozen) from.pause();
    // A reset of one side is the other side's end; the test hears of it there.
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      if (!isFrozen) to.destroy();
    });
  };
  const server = createServer({ noDelay: true }, (incoming) => {
    const outgoing = connect({ port: target, host: "127.0.0.1", noDelay: true });
    join(incoming, outgoing);
    join(outgoing, incoming);
  });
  server.listen(0);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
