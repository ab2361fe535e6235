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
import { describeUnsubscribed, toRefusal } from "../../../kernel/protocol/answers.ts";
import { closeConnection } from "../posting/close-connection.ts";
import { Outbox } from "../posting/outbox.ts";
import type { ConnectionState } from "../table/connections.ts";
import { authenticate } from "./authenticate.ts";
import { answerPing } from "./ping.ts";
import { Subscribe, type SubscribeContext } from "./subscribe.ts";

/** Clients reconnect spread over this long, in ms, and at the latest this long before API Gateway closes. */
const HAND_OVER_SPREAD_MS = 5 * 60_000;
const HAND_OVER_RESERVE_MS = 60_000;

/** The dependencies of all connections' messages. */
export interface MessageContext extends SubscribeContext {
  readonly verifyToken: VerifyToken;
}

type ClientMessageHandler = (event: APIGatewayProxyWebsocketEventV2) => Promise<APIGatewayProxyResultV2>;

type SocketContext = APIGatewayProxyWebsocketEventV2["requestContext"];

/** Builds the handler of every message that a connected client sends. Its answers go over the connection itself. */
export function createMessageHandler(context: MessageContext): ClientMessageHandler {
  return async ({ requestContext, body = "" }) => {
    const { connectionId, connectedAt } = requestContext;
    const outbox = new Outbox(context.poster, connectionId);
    const isKnown = await answerMessage(context, { requestContext, body, outbox });
    outbox.add(...handOver(requestContext));
    await outbox.flush().catch((error: unknown) => context.onError(error, "answer"));
    const connection = { id: connectionId, connectedAt };
    if (outbox.isGone) await context.connections.remove(connection);
    // Without its answer, or without its rows, the client would wait for messages that never come.
    else if (outbox.hasFailed || !isKnown) await closeConnection(context, connection);
    return { statusCode: 200 };
  };
}

interface ClientMessage {
  readonly requestContext: SocketContext;
  readonly body: string;
  readonly outbox: Outbox;
}

/**
 * Adds the answer to the outbox, or the refusal. Resolves with false where the table does not know the connection: it was
 * closed for a failure, or the table has lost it.
 */
async function answerMessage(
  context: MessageContext,
  { requestContext, body, outbox }: ClientMessage,
): Promise<boolean> {
  let frame: RequestFrame | undefined;
  let isKnown = true;
  try {
    frame = parseRequestFrame(body);
    const connection = await context.connections.find(requestContext.connectionId);
    isKnown = connection !== undefined;
    if (!connection) throw new ChannelError("unavailable", "unknown connection; reconnect");
    await handleMessage(context, { connection: await endExpired(context, connection, outbox), frame, outbox });
  } catch (error) {
    if (!(error instanceof ChannelError) || error.cause !== undefined) context.onError(error, frame?.event ?? "parse");
    const data = describeError(toRefusal(error), frame?.data);
    outbox.add({ event: "error", data, id: frame?.id ?? requestIdOf(body) });
  }
  return isKnown;
}

/** Ends the private subscriptions of a connection whose token has expired. */
async function endExpired(
  { connections }: MessageContext,
  connection: ConnectionState,
  outbox: Outbox,
): Promise<ConnectionState> {
  const { identity, subscriptions } = connection;
  if (!identity || identity.expiresAt > Date.now()) return connection;
  const topics = [...subscriptions.values()].map(({ topic }) => topic).filter(({ channel }) => isPrivate(channel));
  await connections.leave(connection, topics);
  await connections.setIdentity(connection, undefined);
  for (const { channel } of topics) outbox.add({ event: "error", data: tokenExpired(channel) });
  const kept = [...subscriptions].filter(([, { topic }]) => !isPrivate(topic.channel));
  return { ...connection, identity: undefined, subscriptions: new Map(kept) };
}

interface ParsedMessage {
  readonly connection: ConnectionState;
  readonly frame: RequestFrame;
  readonly outbox: Outbox;
}

/** @throws ChannelError that refuses the request. */
async function handleMessage(context: MessageContext, { connection, frame, outbox }: ParsedMessage): Promise<void> {
  const { event, data, id } = frame;
  switch (event) {
    case "subscribe":
      return new Subscribe(context, { connection, request: parseSubscribe(data), id, outbox }).run();
    case "unsubscribe": {
      const request = parseUnsubscribe(data);
      await context.connections.leave(connection, authorizedTopics(request, connection.identity));
      outbox.add({ event: "unsubscribed", data: describeUnsubscribed(request), id });
      return;
    }
    case "authenticate": {
      const { token } = parseAuthenticate(data);
      outbox.add(...(await authenticate(context, connection, token)).map((each) => withId(each, id)));
      return;
    }
    case "ping":
      outbox.add({ event: "pong", data: {}, id });
      // No heartbeats while Redis or the table cannot be read: they show the client that the feed is live.
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

/** The request's id belongs to the answer alone, not to the other frames that the request leads to. */
const withId = (frame: ServerFrame, id: RequestFrame["id"]): ServerFrame =>
  frame.event === "authenticated" ? { ...frame, id } : frame;

/** Returns the `drain` that says when to reconnect, for a connection that nears the end of its lifetime. */
function handOver({ connectedAt }: SocketContext): ServerFrame[] {
  const age = Date.now() - connectedAt;
  if (age < HAND_OVER_AFTER_MS) return [];
  const left = Math.max(0, CONNECTION_LIFETIME_MS - HAND_OVER_RESERVE_MS - age);
  return [{ event: "drain", data: { reconnectIn: Math.floor(Math.random() * Math.min(left, HAND_OVER_SPREAD_MS)) } }];
}
