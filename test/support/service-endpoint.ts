import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What a service answers to one request. */
export interface ServiceAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A local HTTP endpoint that the clients of the AWS SDK talk to. */
export interface ServiceEndpoint {
  readonly url: string;
  stop(): void;
}

type Answer = (request: IncomingMessage, body: string) => Promise<ServiceAnswer>;

export async function startServiceEndpoint(answer: Answer): Promise<ServiceEndpoint> {
  const server = createServer(async (request, response) => {
    const { status, type, body } = await answer(request, await text(request));
    response.writeHead(status, { "content-type": type }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
