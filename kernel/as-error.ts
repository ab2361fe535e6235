/** Returns what was thrown as an Error: unchanged where it is one, else wrapped with its text as the message. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
