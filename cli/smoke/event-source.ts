import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SmokeError } from "./connection.ts";
import type { TestEvent } from "./test-event.ts";

export interface EventSourceOptions {
  /** The name of the bus; undefined is the default bus, which only a local platform accepts. */
  readonly bus: string | undefined;
  readonly region: string | undefined;
  /** The EventBridge endpoint of a local platform. */
  readonly endpoint: URL | undefined;
}

export interface PutEventOptions extends EventSourceOptions {
  readonly timeoutMs: number;
}

/** A local platform verifies no signature, but the SDK needs credentials to create one. */
const LOCAL = { region: "local", credentials: { accessKeyId: "local", secretAccessKey: "local" } };

/**
 * Puts the event on the bus, with the AWS credentials of the environment.
 *
 * @throws SmokeError with the reason, if the bus rejects it.
 */
export async function putEvent(event: TestEvent, options: PutEventOptions): Promise<void> {
  const { bus, region, endpoint, timeoutMs } = options;
  const client = new EventBridgeClient(
    endpoint ? { endpoint: endpoint.href.replace(/\/$/, ""), ...LOCAL } : { ...(region ? { region } : {}) },
  );
  const { source: Source, detailType: DetailType, detail } = event;
  const entry = { Source, DetailType, Detail: JSON.stringify(detail), ...(bus ? { EventBusName: bus } : {}) };
  try {
    const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }), {
      abortSignal: AbortSignal.timeout(timeoutMs),
    });
    const [result] = Entries;
    if (result?.ErrorCode) throw new SmokeError(`${result.ErrorCode}: ${result.ErrorMessage}`);
  } catch (error) {
    if (error instanceof SmokeError) throw error;
    throw new SmokeError(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  } finally {
    client.destroy();
  }
}
