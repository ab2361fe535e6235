"use client";

import { useChannel } from "@vezta/realtime-client/react";

export function Price({ marketId }: { readonly marketId: string }) {
  const { latest, status } = useChannel("market:prices", { marketId, keep: 0 });
  return <p role="status">{latest ? `YES ${latest.data.yes}` : status}</p>;
}
