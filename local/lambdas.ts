import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import type { Domain } from "../contract/domain-events.ts";
import { eventOf } from "../publisher/retries.ts";
import { LambdaProcess } from "./lambda-process.ts";

/** Lambda tries an asynchronous invocation three times; it waits minutes in between, we do not. */
const RETRY_DELAYS_MS = [500, 2_000];

/** Failures kept, newest last. */
const MAXIMUM_FAILURES = 100;

const retryResult = z.object({ batchItemFailures: z.array(z.unknown()) });

const handlerFile = (domain: Domain): string => join(import.meta.dirname, `../lambdas/publishers/${domain}.handler.ts`);

/** A record of a function's failure queue. */
export interface LambdaFailure {
  /** Undefined where the event's source belongs to none. */
  readonly domain: Domain | undefined;
  readonly error: string;
  readonly event: unknown;
  readonly attempts: number;
}

/** Returns the record of a failed event, in the form in which Lambda writes one after the last attempt. */
export const toFailureRecord = ({ event, error, attempts }: LambdaFailure): object => ({
  version: "1.0",
  timestamp: new Date().toISOString(),
  requestContext: { condition: "RetriesExhausted", approximateInvokeCount: attempts },
  requestPayload: event,
  responsePayload: { errorType: "Error", errorMessage: error },
});

interface LambdasOptions {
  /** Variables of the functions' environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onFailure: (failure: LambdaFailure) => void;
  /** Called with each event whose attempts are exhausted, for its failure destination. */
  readonly onExhausted?: (failure: LambdaFailure) => void;
  /** Called with each line that a function logs. */
  readonly onLog: (line: string) => void;
}

/** Runs the publisher Lambdas' own handler files. */
export class Lambdas {
  readonly #options: LambdasOptions;
  readonly #process: LambdaProcess;
  readonly failures: LambdaFailure[] = [];
  #stopped = false;

  constructor(options: LambdasOptions) {
    this.#options = options;
    this.#process = new LambdaProcess(options);
  }

  /** Calls the handler of a domain, once. Rejects with what the handler threw. */
  invoke(domain: Domain, event: unknown): Promise<unknown> {
    return this.#process.invoke(handlerFile(domain), event);
  }

  /** As Lambda does for EventBridge: tries again where the handler throws, and at last keeps the event as a failure. */
  async invokeAsynchronously(domain: Domain, event: unknown): Promise<void> {
    let error = "";
    for (const wait of [0, ...RETRY_DELAYS_MS]) {
      await delay(wait);
      try {
        await this.invoke(domain, event);
        return;
      } catch (cause) {
        error = String(cause);
      }
      if (this.#stopped) return;
    }
    const failure = { domain, error, event, attempts: RETRY_DELAYS_MS.length + 1 };
    this.keepFailure(failure);
    this.#options.onExhausted?.(failure);
  }

  /** As the retry queue does: invokes the function with the message, and gives it up where its attempts are exhausted. */
  async retry(body: string, domain: Domain): Promise<void> {
    const event = { Records: [{ messageId: randomUUID(), body, eventSource: "aws:sqs" }] };
    let error = "";
    for (const wait of [0, ...RETRY_DELAYS_MS]) {
      await delay(wait);
      try {
        const { batchItemFailures } = retryResult.parse(await this.invoke(domain, event));
        if (batchItemFailures.length === 0) return;
        error = "the event failed again";
      } catch (cause) {
        error = String(cause);
      }
      if (this.#stopped) return;
    }
    const failure = { domain, error, event: eventOf(body), attempts: RETRY_DELAYS_MS.length + 1 };
    this.keepFailure(failure);
    this.#options.onExhausted?.(failure);
  }

  /** Keeps a failure: of the retries here, or one that a function moved to its failure queue itself. */
  keepFailure(failure: LambdaFailure): void {
    this.failures.push(failure);
    if (this.failures.length > MAXIMUM_FAILURES) this.failures.shift();
    this.#options.onFailure(failure);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#process.stop();
  }
}
