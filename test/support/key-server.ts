import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";

const PEM = join(import.meta.dirname, "localhost.pem");

/** An issuer's HTTPS server for its keys, which may be away, silent or there. */
export interface KeyServer {
  readonly uri: string;
  /** What a gateway's environment needs to trust the server's certificate. */
  readonly environment: { readonly NODE_EXTRA_CA_CERTS: string };
  /** Takes connections and never says a word. */
  stayAndBeSilent(): Promise<void>;
  /** Answers with the keys. */
  answer(): Promise<void>;
  close(): Promise<void>;
}

/** Reserves a port for the keys (a JWKS as JSON); nothing listens there until it is told to. */
export async function createKeyServer(jwks: string): Promise<KeyServer> {
  const port = await freePort();
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    if (!closing) return;
    closing.close();
    await once(closing, "close");
  };
  const start = async (next: Server): Promise<void> => {
    await close();
    next.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    await once(next.listen(port, "localhost"), "listening");
    server = next;
    if ((next.address() as AddressInfo).port !== port) throw new Error("the key server has another port");
  };
  const pem = readFileSync(PEM, "utf8");
  return {
    uri: `https://localhost:${port}/jwks.json`,
    environment: { NODE_EXTRA_CA_CERTS: PEM },
    stayAndBeSilent: () => start(createServer()),
    answer: () => start(createHttps({ key: pem, cert: pem }, (_request, response) => response.end(jwks))),
    close,
  };
}
