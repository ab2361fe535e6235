import { useEffect, useState } from "react";
import { fetchGateways, type GatewayState } from "../development-api.ts";

const PERIOD_MS = 1_000;

/** The gateways as they are now, asked once a second; undefined until the first answer and where there is none. */
export function useGateways(): readonly GatewayState[] | undefined {
  const [gateways, setGateways] = useState<readonly GatewayState[]>();
  useEffect(() => {
    let isOver = false;
    const ask = async (): Promise<void> => {
      const answer = await fetchGateways().catch(() => undefined);
      if (!isOver) setGateways(answer);
    };
    void ask();
    const timer = setInterval(() => void ask(), PERIOD_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, []);
  return gateways;
}
