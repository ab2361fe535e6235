import type { TestClient } from "../../support/client.ts";

interface Readable {
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** Returns the TCP connection under a stock client; what is not read from it piles up at the server. */
export function connectionOf({ socket }: TestClient): Readable {
  const { ws } = socket.io.engine.transport as unknown as { ws: { _socket: Readable } };
  return ws._socket;
}
