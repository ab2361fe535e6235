import { useEffect, useState } from "react";
import { fetchGateways, type GatewayState } from "../development-api.ts";

const PERIOD_MS = 1_000;

/** The gateways' state as the platform last reported it. */
export interface KnownGateways {
  /** As they were when it last answered; undefined until its first answer. */
  readonly gateways?: readonly GatewayState[];
  /** Since when it does not answer, in ms since 1970; undefined while it does. */
  readonly failedSince?: number;
}

/** Asks for the gateways again and again, a second after each answer or failure. */
export function useGateways(): KnownGateways {
  const [known, setKnown] = useState<KnownGateways>({});
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const gateways = await fetchGateways().catch(() => undefined);
      if (isOver) return;
      setKnown((last) => (gateways ? { gateways } : { ...last, failedSince: last.failedSince ?? Date.now() }));
      timer = setTimeout(() => void ask(), PERIOD_MS);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  return known;
}
