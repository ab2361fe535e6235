/** Where the platform has global events (a browser), calls back each time that it is online again. */
export function onOnline(listener: () => void): () => void {
  const { addEventListener, removeEventListener } = globalThis as Partial<
    Pick<EventTarget, "addEventListener" | "removeEventListener">
  >;
  if (!addEventListener || !removeEventListener) return () => undefined;
  addEventListener("online", listener);
  return () => removeEventListener("online", listener);
}
