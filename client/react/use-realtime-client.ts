import { createContext, useContext } from "react";
import type { RealtimeClient } from "../index.ts";

/** Holds the client of the nearest provider. */
export const RealtimeContext = createContext<RealtimeClient | null>(null);

/**
 * Returns the client of the nearest `RealtimeProvider`: null without a user (unless the provider has `anonymous`), on a
 * server, and in the first render.
 */
export const useRealtimeClient = (): RealtimeClient | null => useContext(RealtimeContext);
