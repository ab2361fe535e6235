/** Returns what was thrown as an Error: unchanged where it is one, else wrapped with its text as the message. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** Returns the message of what was thrown, or its text where it is no Error. */
export const messageOf = (thrown: unknown): string => asError(thrown).message;
