import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from "aws-lambda";
import { describeError, tokenExpired } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import {
  CONNECTION_LIFETIME_MS,
  HAND_OVER_AFTER_MS,
  parseRequestFrame,
  type RequestFrame,
  requestIdOf,
  type ServerFrame,
} from "../../../contract/managed-edge.ts";
import { parseAuthenticate, parseSubscribe, parseUnsubscribe } from "../../../contract/messages.ts";
import { authorizedTopics, isPrivate } from "../../../kernel/auth/access.ts";
import type { VerifyToken } from "../../../kernel/auth/token-verifier.ts";
import { closeConnection } from "../posting/close-connection.ts";
import { Outbox } from "../posting/outbox.ts";
import type { ConnectionState } from "../table/connections.ts";
import { authenticate } from "./authenticate.ts";
import { answerPing } from "./ping.ts";
import { Subscribe, type SubscribeContext } from "./subscribe.ts";

/** Clients come back over this long before the cut, in ms, and not all at once. */
const HAND_OVER_SPREAD_MS = 5 * 60_000;
const HAND_OVER_RESERVE_MS = 60_000;

export interface RequestsContext extends SubscribeContext {
  readonly verifyToken: VerifyToken;
}

type RequestsHandler = (event: APIGatewayProxyWebsocketEventV2) => Promise<APIGatewayProxyResultV2>;

type SocketContext = APIGatewayProxyWebsocketEventV2["requestContext"];

/** The handler of everything that a connected client sends. What it answers goes over the connection itself. */
export function createRequests(context: RequestsContext): RequestsHandler {
  return async ({ requestContext, body = "" }) => {
    const { connectionId, connectedAt } = requestContext;
    const outbox = new Outbox(context.poster, connectionId);
    const isKnown = await answer(context, { requestContext, body, outbox });
    outbox.add(...handOver(requestContext));
    await outbox.flush().catch((error: unknown) => context.onError(error, "answer"));
    const connection = { id: connectionId, connectedAt };
    if (outbox.isGone) await context.connections.remove(connection);
    // Without its answer, or without its rows, it would wait for what never comes.
    else if (outbox.hasFailed || !isKnown) await closeConnection(context, connection);
    return { statusCode: 200 };
  };
}

interface Request {
  readonly requestContext: SocketContext;
  readonly body: string;
  readonly outbox: Outbox;
}

/** Says whether the connection is known: else its rows are gone, because it was given up or a table was lost. */
async function answer(context: RequestsContext, { requestContext, body, outbox }: Request): Promise<boolean> {
  let frame: RequestFrame | undefined;
  let isKnown = true;
  try {
    frame = parseRequestFrame(body);
    const connection = await context.connections.find(requestContext.connectionId);
    isKnown = connection !== undefined;
    if (!connection) throw new ChannelError("unavailable", "the connection is not known; connect again");
    await run(context, { connection: await endExpired(context, connection, outbox), frame, outbox });
  } catch (error) {
    if (!(error instanceof ChannelError) || error.cause !== undefined) context.onError(error, frame?.event ?? "parse");
    const shown = error instanceof ChannelError ? error : new ChannelError("internal", "the request failed");
    outbox.add({ event: "error", data: describeError(shown, frame?.data), id: frame?.id ?? requestIdOf(body) });
  }
  return isKnown;
}

/** Ends the private subscriptions of a connection whose token is no longer valid. */
async function endExpired(
  { connections }: RequestsContext,
  connection: ConnectionState,
  outbox: Outbox,
): Promise<ConnectionState> {
  const { identity, subscriptions } = connection;
  if (!identity || identity.expiresAt > Date.now()) return connection;
  const streams = [...subscriptions.values()].map(({ stream }) => stream).filter(({ channel }) => isPrivate(channel));
  await connections.leave(connection, streams);
  await connections.identify(connection, undefined);
  for (const { channel } of streams) outbox.add({ event: "error", data: tokenExpired(channel) });
  const kept = [...subscriptions].filter(([, { stream }]) => !isPrivate(stream.channel));
  return { ...connection, identity: undefined, subscriptions: new Map(kept) };
}

interface Run {
  readonly connection: ConnectionState;
  readonly frame: RequestFrame;
  readonly outbox: Outbox;
}

/** @throws ChannelError with what the client is to know. */
async function run(context: RequestsContext, { connection, frame, outbox }: Run): Promise<void> {
  const { event, data, id } = frame;
  switch (event) {
    case "subscribe":
      return new Subscribe(context, { connection, request: parseSubscribe(data), id, outbox }).run();
    case "unsubscribe": {
      const request = parseUnsubscribe(data);
      await context.connections.leave(connection, authorizedTopics(request, connection.identity));
      outbox.add({ event: "unsubscribed", data: { channel: request.channel, marketId: request.marketId }, id });
      return;
    }
    case "authenticate": {
      const { token } = parseAuthenticate(data);
      outbox.add(...(await authenticate(context, connection, token)).map((each) => withId(each, id)));
      return;
    }
    case "ping":
      outbox.add({ event: "pong", data: {}, id });
      // While Redis or the table cannot be read there are none: the client sees that the feed is not live.
      outbox.addAll(
        await answerPing(context, connection).catch((error: unknown) => {
          context.onError(error, event);
          return [];
        }),
      );
      return;
    default:
      return event satisfies never;
  }
}

/** The request's id belongs to its answer, not to what else it leads to. */
const withId = (frame: ServerFrame, id: RequestFrame["id"]): ServerFrame =>
  frame.event === "authenticated" ? { ...frame, id } : frame;

/** Tells a connection that nears its end when to come back. */
function handOver({ connectedAt }: SocketContext): ServerFrame[] {
  const age = Date.now() - connectedAt;
  if (age < HAND_OVER_AFTER_MS) return [];
  const left = Math.max(0, CONNECTION_LIFETIME_MS - HAND_OVER_RESERVE_MS - age);
  return [{ event: "drain", data: { reconnectIn: Math.floor(Math.random() * Math.min(left, HAND_OVER_SPREAD_MS)) } }];
}
