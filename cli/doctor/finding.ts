/** The result of one check. */
export interface Finding {
  /** What was checked, in a word or two. */
  readonly check: string;
  /** `skipped`: it could not be checked from here; `detail` says why. */
  readonly result: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, result: "ok", detail });

export const skipped = (check: string, detail: string): Finding => ({ check, result: "skipped", detail });

export const failed = (check: string, detail: string, remedy: string): Finding => ({
  check,
  result: "failed",
  detail,
  remedy,
});

export const warning = (check: string, detail: string, remedy: string): Finding => ({
  ...{ check, result: "warning", detail, remedy },
});
