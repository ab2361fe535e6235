import { PUBLISH_METRICS } from "../kernel/streams/publish-metrics.ts";

/** Takes a publisher's warnings. The Logger of Powertools fits as it is; for pino: `warn: (text, details) => pino.warn(details, text)`. */
export interface PublisherLogger {
  warn(message: string, details: Readonly<Record<string, unknown>>): void;
}

/** Writes JSON lines to the process's output, by the Logger of Powertools for AWS Lambda. */
export function createDefaultLogger(): PublisherLogger {
  // Loaded with the first warning, which most functions never write: it takes some 13 ms of a cold start.
  let logger: Promise<PublisherLogger> | undefined;
  const load = async (): Promise<PublisherLogger> => {
    const { Logger } = await import("@aws-lambda-powertools/logger");
    return new Logger({ serviceName: PUBLISH_METRICS.service });
  };
  return {
    warn(message, details) {
      logger ??= load();
      logger.then(
        (loaded) => loaded.warn(message, details),
        () => undefined,
      );
    },
  };
}
