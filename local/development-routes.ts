import type { IncomingMessage, ServerResponse } from "node:http";
import { subject } from "../contract/payloads/primitives.ts";
import { messageOf } from "../kernel/as-error.ts";
import { type EventBus, type HttpAnswer, MAXIMUM_REQUEST_BYTES } from "./event-bus.ts";
import type { Issuer } from "./issuer.ts";
import type { LambdaFailure } from "./lambdas.ts";
import { answerPage, type PageRoutesOptions } from "./page-routes.ts";
import { BodyTooLargeError, readBody } from "./request-body.ts";

/** The addresses of the parts, as `/dev/system` answers them. */
export interface SystemDescription {
  /** Variables that gateways and functions run with: the address of Redis, the issuer. */
  readonly environment: Readonly<Record<string, string>>;
  readonly gatewayUrls: readonly string[];
  readonly managedEdgeUrl: string;
  readonly failureQueueUrl: string;
}

interface DevelopmentRoutesOptions extends PageRoutesOptions {
  readonly issuer: Issuer;
  readonly bus: EventBus;
  readonly failures: readonly LambdaFailure[];
  /** What the command-line tool must know to reach the parts. */
  readonly describeSystem: () => SystemDescription;
  /** Lets clients connect, or refuses them. */
  readonly isReady: () => boolean;
}

const ROUTES =
  "there are /dev/token, /dev/aws, /dev/failures, /dev/system, /dev/config, /dev/gateways, /dev/orders and /dev/connections/cut";

async function putEvents(bus: EventBus, request: IncomingMessage): Promise<HttpAnswer> {
  if (request.method !== "POST") return { status: 405, body: { message: "POST an AWSEvents.PutEvents request" } };
  const target = request.headers["x-amz-target"];
  // JSON text of that size, and some room for the envelope around the entries.
  const body = await readBody(request, MAXIMUM_REQUEST_BYTES + 8_192);
  return bus.handle(typeof target === "string" ? target : undefined, body);
}

async function token(issuer: Issuer, url: URL): Promise<HttpAnswer> {
  const sub = subject.safeParse(url.searchParams.get("sub"));
  if (!sub.success) return { status: 400, body: { message: "sub is missing or not an id: /dev/token?sub=alice" } };
  return { status: 200, body: { token: await issuer.sign({ sub: sub.data }) } };
}

async function answer(options: DevelopmentRoutesOptions, request: IncomingMessage, url: URL): Promise<HttpAnswer> {
  const { issuer, bus, failures, isReady } = options;
  const path = url.pathname.replace(/\/$/, "");
  switch (path) {
    case "/healthz":
      return isReady() ? { status: 200, body: { status: "ok" } } : { status: 503, body: { status: "not ready" } };
    case "/dev/token":
      return token(issuer, url);
    case "/dev/aws":
      return putEvents(bus, request);
    case "/dev/system":
      return { status: 200, body: options.describeSystem() };
    case "/dev/failures":
      return { status: 200, body: { failures } };
    default:
      return (await answerPage(options, request, path)) ?? { status: 404, body: { message: ROUTES } };
  }
}

function toFailure(error: unknown): HttpAnswer {
  if (error instanceof BodyTooLargeError) {
    return { status: 413, body: { __type: "RequestEntityTooLargeException", message: error.message } };
  }
  return { status: 500, body: { message: messageOf(error) } };
}

/** Serves `/healthz` and, for developers and the page, `/dev/…`; says whether it took a request. */
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
