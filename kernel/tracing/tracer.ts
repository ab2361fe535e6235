/** A finished part of a message's way. */
export interface TracedSpan {
  /** What was done, such as `redis publish`. */
  readonly name: string;
  /** When it began and ended, in ms since 1970; fractions count. */
  readonly startMs: number;
  readonly endMs: number;
  /** Never the user of a private stream. */
  readonly attributes?: Readonly<Record<string, string | number>>;
}

/** The trace of one event. */
export interface StartedTrace {
  /** W3C Trace Context, which messages carry on. */
  readonly traceparent: string;
  /** Ends the span of the event itself. @param endMs in ms since 1970 */
  end(endMs: number): void;
}

/** Records where messages spend their time, for those that are sampled. */
export interface Tracer {
  /** Starts the trace of an event, for one of many; undefined for the others. */
  start(span: Omit<TracedSpan, "endMs">): StartedTrace | undefined;
  /** Records a part of the trace that a `traceparent` belongs to. */
  record(traceparent: string, span: TracedSpan): void;
  /** Resolves once everything recorded is with the collector, or could not be sent. Never rejects. */
  flush(): Promise<void>;
}

/** The time, in ms since 1970, with fractions. */
export const preciseNow = (): number => performance.timeOrigin + performance.now();
