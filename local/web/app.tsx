import { useAtomValue } from "jotai";
import { useMemo } from "react";
import { RealtimeProvider } from "../../client/react/index.ts";
import { Dashboard } from "./dashboard.tsx";
import { fetchToken, type PlatformConfig } from "./development-api.ts";
import { createPageContext, PageContextProvider } from "./state/page-context.ts";
import { edgeAtom, userAtom } from "./state/session.ts";

/** On the managed edge a silence shows only by the pings: as soon here as on the gateway, where heartbeats come. In ms. */
const MANAGED_EDGE = { pingIntervalMs: 5_000, staleAfterMs: 15_000 };

/** Connects the page: anonymously, or as the user who is signed in, to the edge that is chosen. */
export function App({ config }: { readonly config: PlatformConfig }) {
  const page = useMemo(() => createPageContext(config), [config]);
  const user = useAtomValue(userAtom);
  const edge = useAtomValue(edgeAtom);
  const token = (): string | null | Promise<string> => (user === null ? null : fetchToken(user));
  const url = edge === "managed" ? `ws://${location.hostname}:${config.managedEdgePort}/local` : location.origin;
  return (
    <PageContextProvider value={page}>
      <RealtimeProvider
        url={url}
        edge={edge}
        user={user}
        anonymous
        token={token}
        {...(edge === "managed" ? MANAGED_EDGE : {})}
      >
        <Dashboard />
      </RealtimeProvider>
    </PageContextProvider>
  );
}
