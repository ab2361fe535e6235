import type { PublishOutcome } from "./publish-outcome.ts";

/** Some messages were not published. Publish all of them again: those that are out already are not sent twice. */
export class PublishError extends Error {
  override readonly name = "PublishError";
  /** In the order of the messages. */
  readonly outcomes: readonly PublishOutcome[];

  constructor(outcomes: readonly PublishOutcome[]) {
    const failures = outcomes.filter((outcome) => outcome.status === "failed");
    const [first] = failures;
    super(`${failures.length} of ${outcomes.length} messages not published: ${first?.error.message}`, {
      cause: first?.error,
    });
    this.outcomes = outcomes;
  }
}
