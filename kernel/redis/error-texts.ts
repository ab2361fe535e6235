/** Yields the texts of an error and of those that it wraps: a cluster node's reply by ioredis, Node's attempts in turn. */
export function* errorTexts(error: unknown, depth = 0): Generator<string> {
  if (!(error instanceof Error) || depth > 3) return;
  const { lastNodeError, errors, code } = error as { lastNodeError?: unknown; errors?: unknown; code?: unknown };
  for (const inner of [lastNodeError, error.cause, ...(Array.isArray(errors) ? errors : [])]) {
    yield* errorTexts(inner, depth + 1);
  }
  yield `${error.message} ${typeof code === "string" ? code : ""}`;
}

/** Redis's answers to a wrong user or password, or to none at all. */
export const PASSWORD_REFUSED = /WRONGPASS|NOAUTH|invalid password|invalid username/i;

/** True where Redis refused the user or the password. */
export const isPasswordRefused = (error: unknown): boolean =>
  [...errorTexts(error)].some((text) => PASSWORD_REFUSED.test(text));
