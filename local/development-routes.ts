import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { identifier } from "../contract/payloads/primitives.ts";
import { type EventBus, type HttpAnswer, MAXIMUM_REQUEST_BYTES } from "./event-bus.ts";
import type { Issuer } from "./issuer.ts";
import type { LambdaFailure } from "./lambdas.ts";

interface DevelopmentRoutesOptions {
  readonly issuer: Issuer;
  readonly bus: EventBus;
  readonly failures: readonly LambdaFailure[];
  /** Whether clients can connect. */
  readonly isReady: () => boolean;
}

/** A request's body is longer than it may be. */
class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** Passes on so many bytes and fails at the next one. */
function limit(maximum: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(size > maximum ? new BodyTooLargeError(`more than ${maximum} bytes`) : null, chunk);
    },
  });
}

async function putEvents(bus: EventBus, request: IncomingMessage): Promise<HttpAnswer> {
  if (request.method !== "POST") return { status: 405, body: { message: "POST an AWSEvents.PutEvents request" } };
  const target = request.headers["x-amz-target"];
  // JSON text of that size, and some room for the envelope around the entries.
  const body = await buffer(request.pipe(limit(MAXIMUM_REQUEST_BYTES + 8_192)));
  return bus.handle(typeof target === "string" ? target : undefined, body.toString("utf8"));
}

async function token(issuer: Issuer, url: URL): Promise<HttpAnswer> {
  const sub = identifier.safeParse(url.searchParams.get("sub"));
  if (!sub.success) return { status: 400, body: { message: "sub is missing or not an id: /dev/token?sub=alice" } };
  return { status: 200, body: { token: await issuer.sign({ sub: sub.data }) } };
}

async function answer(options: DevelopmentRoutesOptions, request: IncomingMessage, url: URL): Promise<HttpAnswer> {
  const { issuer, bus, failures, isReady } = options;
  switch (url.pathname.replace(/\/$/, "")) {
    case "/healthz":
      return isReady() ? { status: 200, body: { status: "ok" } } : { status: 503, body: { status: "not ready" } };
    case "/dev/token":
      return token(issuer, url);
    case "/dev/aws":
      return putEvents(bus, request);
    case "/dev/failures":
      return { status: 200, body: { failures } };
    default:
      return { status: 404, body: { message: "there are /dev/token, /dev/aws and /dev/failures" } };
  }
}

function toFailure(error: unknown): HttpAnswer {
  if (error instanceof BodyTooLargeError) {
    return { status: 413, body: { __type: "RequestEntityTooLargeException", message: error.message } };
  }
  return { status: 500, body: { message: error instanceof Error ? error.message : String(error) } };
}

/** Serves `/healthz` and, for developers, `/dev/token`, `/dev/aws` and `/dev/failures`; says whether it took a request. */
export function createDevelopmentRoutes(options: DevelopmentRoutesOptions) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname !== "/healthz" && !url.pathname.startsWith("/dev/")) return false;
    answer(options, request, url)
      .catch(toFailure)
      .then(({ status, body }) => {
        const type = url.pathname.startsWith("/dev/aws") ? "application/x-amz-json-1.1" : "application/json";
        response.writeHead(status, {
          "content-type": type,
          "access-control-allow-origin": "*",
          // A body that was not read to its end would be taken for the connection's next request.
          ...(request.complete ? {} : { connection: "close" }),
        });
        request.resume();
        response.end(`${JSON.stringify(body)}\n`);
      });
    return true;
  };
}
