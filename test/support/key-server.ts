import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { freePort } from "../../local/free-port.ts";

/** An issuer's HTTPS server for its keys, which may be away, silent or there. */
export interface KeyServer {
  readonly uri: string;
  /** The variable that makes a gateway trust the server's certificate. */
  readonly environment: { readonly NODE_EXTRA_CA_CERTS: string };
  /** Accepts connections and sends nothing. */
  stayAndBeSilent(): Promise<void>;
  /** Answers with the keys. */
  answer(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a certificate for localhost, and its key, which nobody else has. */
const createCertificate = () =>
  generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
  });

/** Reserves a port for the keys (a JWKS as JSON). Nothing listens there until `answer` or `stayAndBeSilent`. */
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
  const { private: key, cert } = await createCertificate();
  const folder = mkdtempSync(join(tmpdir(), "vezta-keys-"));
  const certificateFile = join(folder, "localhost.pem");
  writeFileSync(certificateFile, cert);
  return {
    uri: `https://localhost:${port}/jwks.json`,
    environment: { NODE_EXTRA_CA_CERTS: certificateFile },
    stayAndBeSilent: () => start(createServer()),
    answer: () => start(createHttps({ key, cert }, (_request, response) => response.end(jwks))),
    close: async () => {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
