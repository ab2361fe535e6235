import { RealtimeProvider, useChannel, wsStatusAtom } from "@vezta/realtime-client/react";
import { useAtomValue } from "jotai";
import { createRoot } from "react-dom/client";

// ?url=wss://… for the managed edge; without it the page connects to `npm start` of the repository.
const url = new URLSearchParams(location.search).get("url") ?? "http://localhost:3000";

function Prices() {
  const { byMarket, status } = useChannel("market:prices", { keep: 0 });
  return (
    <ul aria-busy={status !== "live"}>
      {[...byMarket].map(([marketId, { data }]) => (
        <li key={marketId}>
          {marketId}: YES {data.yes}
        </li>
      ))}
    </ul>
  );
}

const ConnectionStatus = () => <p role="status">{useAtomValue(wsStatusAtom)}</p>;

const container = document.getElementById("root");
if (container) {
  createRoot(container).render(
    <RealtimeProvider url={url} user={null} anonymous>
      <ConnectionStatus />
      <Prices />
    </RealtimeProvider>,
  );
}
