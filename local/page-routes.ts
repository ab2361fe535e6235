import type { IncomingMessage } from "node:http";
import * as z from "zod";
import { describeIssue } from "../contract/messages.ts";
import { identifier, outcome } from "../contract/payloads/primitives.ts";
import type { Balancer } from "./balancer.ts";
import type { HttpAnswer } from "./event-bus.ts";
import type { GatewayFleet } from "./gateway-fleet.ts";
import type { OrderDesk } from "./order-desk.ts";
import { readBody } from "./request-body.ts";
import { MARKETS } from "./simulator/market.ts";
import { USERS } from "./simulator/simulation.ts";

const MAXIMUM_BODY_BYTES = 4_096;

const restartRequest = z.object({ gateway: z.string().max(64), how: z.enum(["drain", "kill"]).default("drain") });

const orderRequest = z.object({
  user: z.enum(USERS),
  marketId: identifier,
  outcome,
  /** Shares. */
  size: z.int().min(1).max(1_000_000),
});

const cutRequest = z.object({
  /** For how long nobody can connect, in milliseconds. */
  milliseconds: z.int().min(0).max(60_000).default(3_000),
});

export interface PageRoutesOptions {
  readonly balancer: Balancer;
  readonly fleet: GatewayFleet;
  readonly orderDesk: OrderDesk;
  /** Port that the managed edge listens on. */
  readonly managedEdgePort: number;
}

const refusal = (status: number, message: string): HttpAnswer => ({ status, body: { message } });

/**
 * Another site's page can send a form to localhost but not JSON: the browser asks first (CORS preflight), and gets no
 * answer. That is why the content type is insisted on.
 */
async function readJson<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T | HttpAnswer> {
  if (request.method !== "POST") return refusal(405, "POST JSON here");
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    return refusal(415, "content-type must be application/json");
  }
  const text = await readBody(request, MAXIMUM_BODY_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refusal(400, "the body is not JSON");
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : refusal(400, describeIssue(parsed.error));
}

async function restart({ fleet }: PageRoutesOptions, request: IncomingMessage): Promise<HttpAnswer> {
  const wanted = await readJson(request, restartRequest);
  if ("status" in wanted) return wanted;
  return (await fleet.restart(wanted.gateway, wanted.how))
    ? { status: 202, body: { gateways: await fleet.describe() } }
    : refusal(409, `${wanted.gateway} is not there or not ready`);
}

async function cut({ balancer }: PageRoutesOptions, request: IncomingMessage): Promise<HttpAnswer> {
  const wanted = await readJson(request, cutRequest);
  if ("status" in wanted) return wanted;
  balancer.cut(wanted.milliseconds);
  return { status: 202, body: wanted };
}

async function placeOrder({ orderDesk }: PageRoutesOptions, request: IncomingMessage): Promise<HttpAnswer> {
  const order = await readJson(request, orderRequest);
  if ("status" in order) return order;
  const orderId = await orderDesk.place(order);
  return orderId === undefined
    ? refusal(404, `there is no market ${order.marketId}`)
    : { status: 202, body: { orderId } };
}

/** Answers the page's requests to the platform. Returns undefined for any other route. */
export async function answerPage(
  options: PageRoutesOptions,
  request: IncomingMessage,
  path: string,
): Promise<HttpAnswer | undefined> {
  switch (path) {
    case "/dev/config":
      return { status: 200, body: { managedEdgePort: options.managedEdgePort, markets: MARKETS, users: USERS } };
    case "/dev/gateways":
      return { status: 200, body: { gateways: await options.fleet.describe() } };
    case "/dev/gateways/restart":
      return restart(options, request);
    case "/dev/connections/cut":
      return cut(options, request);
    case "/dev/orders":
      return placeOrder(options, request);
    default:
      return undefined;
  }
}
