import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP port in front of another one, whose connections can be cut, slowed, frozen and silenced. */
export interface LinkProxy {
  readonly port: number;
  /** Sets the port that new connections lead to. */
  setTarget(port: number): void;
  /** Resets every connection, and every new one, until `heal`. */
  cut(): void;
  /** Holds back whatever arrives, in both directions, for `delayMs`; 0 ends it. Order is kept. */
  slow(delayMs: number): void;
  /** Forwards nothing until `thaw`, on new connections neither. No connection is reset. */
  freeze(): void;
  /** Forwards everything again, what was held back first. */
  thaw(): void;
  /**
   * Forwards nothing any more on the connections that are open now, not even their end; new ones work. Returns the number
   * of silenced connections. Nothing wakes them: as after a change of networks, each end has to find out on its own.
   */
  silence(): number;
  /** Resets the connections that `silence` left. */
  clear(): void;
  /** Lets new connections through again. */
  heal(): void;
  close(): Promise<void>;
}

interface LinkState {
  target: number;
  isCut: boolean;
  isFrozen: boolean;
  delayMs: number;
}

/** One connection through the proxy: both of its sockets. */
interface Pair {
  readonly sockets: readonly [Socket, Socket];
  isSilent: boolean;
}

/** Copies one direction. A chunk never overtakes the one before it, also where the delay has shrunk in between. */
function pipe(pair: Pair, [from, to]: readonly [Socket, Socket], state: LinkState): void {
  const held: { readonly due: number; readonly chunk: Buffer }[] = [];
  const forward = (chunk: Buffer): void => {
    if (!pair.isSilent && to.writable) to.write(chunk);
  };
  const release = (): void => {
    while (held[0] && held[0].due <= Date.now()) {
      const next = held.shift();
      if (next) forward(next.chunk);
    }
    if (held[0]) setTimeout(release, held[0].due - Date.now());
  };
  from.on("data", (chunk) => {
    if (held.length === 0 && state.delayMs === 0) return forward(chunk);
    held.push({ due: Date.now() + state.delayMs, chunk });
    if (held.length === 1) setTimeout(release, state.delayMs);
  });
  // A reset is what this proxy is for: each side only has to learn that the other one is gone.
  const destroy = (): void => {
    if (!pair.isSilent && !state.isFrozen) to.destroy();
  };
  from.on("error", destroy);
  from.on("close", destroy);
  from.on("end", () => {
    if (pair.isSilent) return;
    for (const socket of pair.sockets) socket.end();
  });
  if (state.isFrozen) from.pause();
}

/**
 * Opens a proxy on a free port of 127.0.0.1.
 *
 * @param target the port that connections lead to; without it they are reset until `setTarget`.
 */
export async function openLinkProxy(target = 0): Promise<LinkProxy> {
  const state: LinkState = { target, isCut: false, isFrozen: false, delayMs: 0 };
  const pairs = new Set<Pair>();
  // Half-open, so that a silent connection's end goes no further than to this proxy.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (incoming) => {
    if (state.isCut || state.target === 0) {
      incoming.on("error", () => undefined);
      incoming.resetAndDestroy();
      return;
    }
    const outgoing = connect({ port: state.target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const pair: Pair = { sockets: [incoming, outgoing], isSilent: false };
    pairs.add(pair);
    for (const socket of pair.sockets) {
      socket.on("close", () => {
        if (pair.sockets.every(({ destroyed }) => destroyed)) pairs.delete(pair);
      });
    }
    pipe(pair, [incoming, outgoing], state);
    pipe(pair, [outgoing, incoming], state);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const reset = (isMeant: (pair: Pair) => boolean): void => {
    for (const pair of [...pairs].filter(isMeant)) for (const socket of pair.sockets) socket.resetAndDestroy();
  };
  return {
    port,
    setTarget: (next) => {
      state.target = next;
    },
    cut() {
      state.isCut = true;
      reset(() => true);
    },
    slow: (delayMs) => {
      state.delayMs = delayMs;
    },
    freeze() {
      state.isFrozen = true;
      for (const { sockets } of pairs) for (const socket of sockets) socket.pause();
    },
    thaw() {
      state.isFrozen = false;
      reset(({ sockets }) => sockets.some(({ destroyed }) => destroyed));
      for (const { sockets } of pairs) for (const socket of sockets) socket.resume();
    },
    silence() {
      const open = [...pairs].filter(({ isSilent }) => !isSilent);
      for (const pair of open) pair.isSilent = true;
      return open.length;
    },
    clear: () => reset(({ isSilent }) => isSilent),
    heal: () => {
      state.isCut = false;
    },
    async close() {
      reset(() => true);
      server.close();
      await once(server, "close");
    },
  };
}
