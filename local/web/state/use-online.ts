import { useSyncExternalStore } from "react";

function onChange(listener: () => void): () => void {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

/** Whether the browser has a network. Without one a connection looks alive until it is silent for too long. */
export const useOnline = (): boolean => useSyncExternalStore(onChange, () => navigator.onLine);
