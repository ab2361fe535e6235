import { useStore } from "jotai";
import { createElement, type ReactNode, useEffect, useRef, useState } from "react";
import { RealtimeClient, type RealtimeClientOptions } from "../index.ts";
import { wsStatusAtom } from "./atoms.ts";
import { subscribeGlobally } from "./global-subscriptions.ts";
import { RealtimeContext } from "./use-realtime-client.ts";

export interface RealtimeProviderProps extends Omit<RealtimeClientOptions, "autoConnect"> {
  /** Who is signed in; another user gets a connection of their own, and null (the default) disconnects. */
  readonly user?: string | null;
  /** Whether to connect, for the public channels, when nobody is signed in. @default false */
  readonly anonymous?: boolean;
  /** Whether to keep `ordersAtom`, `notificationsAtom` and `signalsAtom` filled. @default false */
  readonly subscribeGlobally?: boolean;
  /** Hears of each client, to pause it in the background; returns what undoes that. */
  readonly onClient?: (client: RealtimeClient) => () => void;
  readonly children?: ReactNode;
}

/** A client and what it was made for. */
interface ActiveClient extends Pick<RealtimeProviderProps, "url" | "edge"> {
  readonly client: RealtimeClient;
  /** Whose it is. */
  readonly user: string | null;
}

/** Calls the newest value of a prop without a new connection for each new function. */
async function currentToken({ user, token }: RealtimeProviderProps): Promise<string | null> {
  if (user === null || user === undefined) return null;
  return typeof token === "function" ? await token() : (token ?? null);
}

/**
 * Gives the components below it a connection: while there is a `user`, or with `anonymous` also without one. It connects
 * after the first render, in the browser alone.
 */
export function RealtimeProvider(props: RealtimeProviderProps) {
  const { url, edge, user = null, anonymous = false, token, children } = props;
  const [active, setActive] = useState<ActiveClient | null>(null);
  const newest = useRef(props);
  const store = useStore();
  const isWanted = user !== null || anonymous;
  // From the very render in which the user or the edge changes, nothing of the last one's is shown, and nothing below
  // subscribes to a client that is closed by then.
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
