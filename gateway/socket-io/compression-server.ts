import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { constants, inflateRawSync } from "node:zlib";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";

/** Sends everything uncompressed: it is the context per connection that makes compression costly (235 KiB, four times the CPU). */
class UncompressedWebSocket extends WebSocket {
  override send(data: Parameters<WebSocket["send"]>[0], ...rest: unknown[]): void {
    const callback = rest.at(-1);
    const options = typeof rest[0] === "object" ? rest[0] : {};
    super.send(data, { ...options, compress: false }, typeof callback === "function" ? (callback as never) : undefined);
  }
}

/** End of a message's last block, which a client removes before it sends (RFC 7692, section 7.2.1). */
const BLOCK_END = Buffer.from([0x00, 0x00, 0xff, 0xff]);

type OnInflated = (error: Error | null, data?: Buffer) => void;

/** The undocumented members of `ws` that are used to decompress: the extension that a connection has negotiated. */
interface Inflating {
  readonly _extensions?: {
    readonly "permessage-deflate"?: { decompress?: (data: Buffer, isLast: boolean, onInflated: OnInflated) => void };
  };
}

/** Returns a message as it was before a client compressed it; undefined where it is malformed, or larger than allowed. */
function inflate(message: Buffer, maximumBytes: number): Buffer | undefined {
  const limit = maximumBytes > 0 ? { maxOutputLength: maximumBytes } : {};
  try {
    return inflateRawSync(Buffer.concat([message, BLOCK_END]), {
      ...{ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 1_024, ...limit },
    });
  } catch {
    return undefined;
  }
}

/**
 * Makes a connection decompress each message on its own, as clients compress them (`client_no_context_takeover`). The
 * decompressor of `ws` would stay with the connection from its first compressed message on: 20 KiB, and browsers compress
 * all of theirs.
 */
function inflateWithoutState(socket: WebSocket, maximumBytes: number): void {
  const deflate = (socket as unknown as Inflating)._extensions?.["permessage-deflate"];
  if (!deflate?.decompress) return;
  const decompress = deflate.decompress.bind(deflate);
  const fragments: Buffer[] = [];
  deflate.decompress = (data, isLast, onInflated) => {
    fragments.push(data);
    // Never in the same turn: the receiver's loop would run within itself.
    if (!isLast) return process.nextTick(onInflated, null, Buffer.alloc(0));
    const message = Buffer.concat(fragments.splice(0));
    const inflated = inflate(message, maximumBytes);
    if (inflated) process.nextTick(onInflated, null, inflated);
    // It fails there again, with the code that the connection has to be closed with.
    else decompress(message, true, onInflated);
  };
}

class UncompressedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, WebSocket: UncompressedWebSocket as never });
  }

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    onUpgraded: (client: WebSocket, request: IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, (client, upgraded) => {
      inflateWithoutState(client, this.options.maxPayload ?? 0);
      onUpgraded(client, upgraded);
    });
  }
}

/** Options of a Socket.IO server whose clients may negotiate compression, and which leaves compressing to bundles. */
export const sharedCompressionOptions = {
  wsEngine: UncompressedWebSocketServer,
  perMessageDeflate: { clientNoContextTakeover: true },
};
