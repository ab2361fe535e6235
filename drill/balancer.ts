import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Several ports behind one: every connection goes to the next that takes it. */
export interface Balancer {
  readonly port: number;
  addTarget(port: number): void;
  /** New connections no longer go there; those that are open stay. */
  removeTarget(port: number): void;
  close(): Promise<void>;
}

async function open(port: number): Promise<Socket | undefined> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  try {
    await once(socket, "connect");
    return socket;
  } catch {
    return undefined;
  }
}

function join(incoming: Socket, outgoing: Socket): void {
  for (const [from, to] of [
    [incoming, outgoing],
    [outgoing, incoming],
  ] as const) {
    from.pipe(to);
    // The other side learns of a reset by the end of its own connection.
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}

/** Opens a balancer on a free port of 127.0.0.1. */
export async function openBalancer(): Promise<Balancer> {
  const targets: number[] = [];
  const sockets = new Set<Socket>();
  let turn = 0;
  const admit = async (incoming: Socket): Promise<void> => {
    sockets.add(incoming);
    incoming.on("close", () => sockets.delete(incoming));
    incoming.on("error", () => undefined);
    for (let attempt = 0; attempt < targets.length; attempt += 1) {
      turn += 1;
      const outgoing = await open(targets[turn % targets.length] ?? 0);
      if (outgoing) return join(incoming, outgoing);
    }
    incoming.destroy();
  };
  const server: Server = createServer({ noDelay: true, pauseOnConnect: true }, (incoming) => void admit(incoming));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    addTarget: (target) => void targets.push(target),
    removeTarget(target) {
      const index = targets.indexOf(target);
      if (index >= 0) targets.splice(index, 1);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
