import { createContext, useContext } from "react";
import type { RealtimeClient } from "../index.ts";

export const RealtimeContext = createContext<RealtimeClient | null>(null);

/**
 * The client of the nearest `RealtimeProvider`: null while nobody is signed in (and anonymous use was not asked for), on
 * a server, and in the first render.
 */
export const useRealtimeClient = (): RealtimeClient | null => useContext(RealtimeContext);
