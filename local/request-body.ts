import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";
import { buffer } from "node:stream/consumers";

/** A request's body is longer than it may be. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** Passes on up to a number of bytes and fails at the next one. */
function limit(maximum: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(size > maximum ? new BodyTooLargeError(`more than ${maximum} bytes`) : null, chunk);
    },
  });
}

/** The body as text. Rejects with BodyTooLargeError where it has more bytes than `maximum`. */
export async function readBody(request: IncomingMessage, maximum: number): Promise<string> {
  return (await buffer(request.pipe(limit(maximum)))).toString("utf8");
}
