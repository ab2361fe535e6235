import { useStore } from "jotai";
import { createElement, type ReactNode, useEffect, useRef, useState } from "react";
import { RealtimeClient, type RealtimeClientOptions } from "../index.ts";
import { wsStatusAtom } from "./atoms.ts";
import { subscribeGlobally } from "./global-subscriptions.ts";
import { RealtimeContext } from "./use-realtime-client.ts";

export interface RealtimeProviderProps extends Omit<RealtimeClientOptions, "autoConnect"> {
  /** The signed-in user. Another user gets another connection. @default null, which disconnects */
  readonly user?: string | null;
  /** True to connect without a user, for the public channels. @default false */
  readonly anonymous?: boolean;
  /** True to keep `ordersAtom`, `notificationsAtom` and `signalsAtom` filled. @default false */
  readonly subscribeGlobally?: boolean;
  /** Called with each client, for example to pause it in the background. Returns a function that undoes that. */
  readonly onClient?: (client: RealtimeClient) => () => void;
  readonly children?: ReactNode;
}

/** A client, and the user and edge that it was created for. */
interface ActiveClient extends Pick<RealtimeProviderProps, "url" | "edge"> {
  readonly client: RealtimeClient;
  readonly user: string | null;
}

/** Resolves with the token of the newest props, so that a new token function does not cause a new connection. */
async function currentToken({ user, token }: RealtimeProviderProps): Promise<string | null> {
  if (user === null || user === undefined) return null;
  return typeof token === "function" ? await token() : (token ?? null);
}

/**
 * Provides a connection to the components below it while there is a `user`, or always with `anonymous`. Connects after
 * the first render, and never on a server.
 *
 * @example
 * <RealtimeProvider url="https://realtime.example.com" user={user} token={getToken}>…</RealtimeProvider>
 */
export function RealtimeProvider(props: RealtimeProviderProps) {
  const { url, edge, user = null, anonymous = false, token, children } = props;
  const [active, setActive] = useState<ActiveClient | null>(null);
  const newest = useRef(props);
  const store = useStore();
  const isWanted = user !== null || anonymous;
  // In the very render in which the user or the edge changes, components must neither show data of the previous user nor
  // subscribe to a client that is about to be closed.
  const isCurrent = isWanted && active?.user === user && active.url === url && active.edge === edge;
  const client = isCurrent ? active.client : null;

  useEffect(() => {
    newest.current = props;
  });

  useEffect(() => {
    if (!isWanted) return;
    const { children: _, user: __, token: ___, onClient, ...options } = newest.current;
    const fresh = new RealtimeClient({
      ...options,
      url,
      token: () => currentToken(newest.current),
      onError: (error) => newest.current.onError?.(error),
    });
    const stops = [fresh.onStatus((status) => store.set(wsStatusAtom, status)), onClient?.(fresh)];
    setActive({ client: fresh, user, url, edge });
    return () => {
      for (const stop of stops) stop?.();
      fresh.close();
      setActive(null);
      store.set(wsStatusAtom, "disconnected");
    };
  }, [url, edge, user, isWanted, store]);

  const text = typeof token === "string" ? token : null;
  const known = useRef(text);
  useEffect(() => {
    if (known.current !== text) client?.authenticate().catch(newest.current.onError ?? (() => undefined));
    known.current = text;
  }, [client, text]);

  const isGlobal = props.subscribeGlobally === true;
  useEffect(() => {
    if (client && isGlobal) return subscribeGlobally({ client, store, hasUser: user !== null });
    return undefined;
  }, [client, isGlobal, store, user]);

  return createElement(RealtimeContext.Provider, { value: client }, children);
}
