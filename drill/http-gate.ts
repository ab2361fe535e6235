import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** An HTTP server that passes requests on to another one, and can leave some of them without an answer. */
export interface HttpGate {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Requests that were never answered. */
  readonly silenced: number;
  /** Takes requests to such paths from now on and never answers them; without an argument it passes all on again. */
  silence(isSilent?: (path: string) => boolean): void;
  /** Resets the connections of the requests that were never answered. */
  clear(): void;
  close(): Promise<void>;
}

function passOn(incoming: IncomingMessage, response: ServerResponse, to: { target: URL; agent: Agent }): void {
  const { method, url, headers } = incoming;
  const { hostname, port } = to.target;
  const outgoing = request({ hostname, port, method, path: url, headers, agent: to.agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  incoming.pipe(outgoing);
}

/** Opens a gate on a free port of 127.0.0.1 in front of an origin. */
export async function openHttpGate(target: string): Promise<HttpGate> {
  const agent = new Agent({ keepAlive: true });
  const to = { target: new URL(target), agent };
  let isSilent: (path: string) => boolean = () => false;
  let silenced = 0;
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    if (!isSilent(decodeURIComponent(incoming.url ?? ""))) return passOn(incoming, response, to);
    silenced += 1;
    sockets.add(incoming.socket);
    incoming.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get silenced() {
      return silenced;
    },
    silence(isMeant = () => false) {
      isSilent = isMeant;
    },
    clear() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    async close() {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
