export * from "../react/index.ts";
export { pauseInBackground } from "./app-state.ts";
export { RealtimeProvider, type RealtimeProviderProps } from "./realtime-provider.ts";
