import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP port in front of another one, whose connections can be cut and slowed. */
export interface LinkProxy {
  readonly port: number;
  /** Where connections lead from now on; before the first call they are reset. */
  setTarget(port: number): void;
  /** Resets every connection, and every new one, until `heal`. */
  cut(): void;
  /** Holds back whatever arrives, in both directions, for so many ms; 0 ends it. Order is kept. */
  slow(delayMs: number): void;
  /** Lets new connections through again. */
  heal(): void;
  close(): Promise<void>;
}

interface LinkState {
  target: number;
  isCut: boolean;
  delayMs: number;
}

/** Copies one direction. A chunk never overtakes the one before it, also where the delay has shrunk in between. */
function pipe(from: Socket, to: Socket, state: LinkState): void {
  const held: { readonly due: number; readonly chunk: Buffer }[] = [];
  const release = (): void => {
    while (held[0] && held[0].due <= Date.now()) {
      const next = held.shift();
      if (next && to.writable) to.write(next.chunk);
    }
    if (held[0]) setTimeout(release, held[0].due - Date.now());
  };
  from.on("data", (chunk) => {
    if (held.length === 0 && state.delayMs === 0) {
      to.write(chunk);
      return;
    }
    held.push({ due: Date.now() + state.delayMs, chunk });
    if (held.length === 1) setTimeout(release, state.delayMs);
  });
  // A reset is what this proxy is for: each side only has to learn that the other one is gone.
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroy());
}

/** Opens a proxy on a free port of 127.0.0.1. */
export async function openLinkProxy(): Promise<LinkProxy> {
  const state: LinkState = { target: 0, isCut: false, delayMs: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (incoming) => {
    if (state.isCut || state.target === 0) {
      incoming.on("error", () => undefined);
      incoming.resetAndDestroy();
      return;
    }
    const outgoing = connect({ port: state.target, host: "127.0.0.1", noDelay: true });
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    pipe(incoming, outgoing, state);
    pipe(outgoing, incoming, state);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const resetAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port,
    setTarget: (target) => {
      state.target = target;
    },
    cut() {
      state.isCut = true;
      resetAll();
    },
    slow: (delayMs) => {
      state.delayMs = delayMs;
    },
    heal: () => {
      state.isCut = false;
    },
    async close() {
      resetAll();
      server.close();
      await once(server, "close");
    },
  };
}
