import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Server } from "socket.io";
import { Decoder, Encoder } from "socket.io-parser";
import type { GatewayConfig } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import { sharedCompressionOptions } from "./compression-server.ts";

/** Refuses binary attachments: clients send only text, and a decoder keeps attachments in memory until all are there. */
class TextDecoder extends Decoder {
  constructor() {
    super({ maxAttachments: 0 });
  }
}

/** Sends what is written to the connection in this turn at once: the answer to an upgrade and the first packet. */
function writeTogether(socket: Socket): void {
  socket.cork();
  setImmediate(() => socket.uncork());
}

interface SocketServerOptions {
  readonly config: Pick<GatewayConfig, "RT_CORS_ORIGINS" | "RT_TRANSPORTS" | "RT_MAX_PAYLOAD_BYTES">;
  /** Lets clients negotiate compression. */
  readonly hasCompression: boolean;
  /** Returns true while no more connections are admitted. */
  readonly isFull: () => boolean;
  readonly metrics: Metrics;
}

/** Builds the Socket.IO server. It refuses connections from other origins, and any connection while it is full. */
export function createSocketServer(http: HttpServer, options: SocketServerOptions): Server {
  const { config, hasCompression, isFull, metrics } = options;
  const origin = config.RT_CORS_ORIGINS.includes("*") ? "*" : [...config.RT_CORS_ORIGINS];
  const isAllowed = ({ headers }: IncomingMessage): boolean =>
    origin === "*" || headers.origin === undefined || origin.includes(headers.origin);
  return new Server(http, {
    transports: [...config.RT_TRANSPORTS],
    // Without polling there is no request that a browser would ask about first, and each handshake costs less.
    ...(config.RT_TRANSPORTS.includes("polling") ? { cors: { origin } } : {}),
    // CORS does not cover WebSockets: their origin has to be checked here.
    allowRequest: (request, decide) => {
      const refuse = (code: string, message: string): void => {
        metrics.connectionsRefused.inc({ code });
        decide(message, false);
      };
      if (!isAllowed(request)) return refuse("origin", "origin not allowed");
      if (isFull()) return refuse("full", "too many connections");
      if (request.headers.upgrade !== undefined) writeTogether(request.socket);
      decide(null, true);
    },
    parser: { Encoder, Decoder: TextDecoder },
    maxHttpBufferSize: config.RT_MAX_PAYLOAD_BYTES,
    connectTimeout: 5_000,
    pingInterval: 20_000,
    pingTimeout: 15_000,
    ...(hasCompression ? sharedCompressionOptions : { perMessageDeflate: false }),
    httpCompression: false,
    serveClient: false,
    cleanupEmptyChildNamespaces: true,
  });
}
