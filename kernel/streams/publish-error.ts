import type { PublishOutcome } from "./publish-outcome.ts";

/** Some messages could not be published. Publish the same messages again: what is out already is not sent twice. */
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
