import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { UsageError } from "../command/context.ts";
import type { System } from "./system.ts";

/** Most entries of one request. */
const BATCH = 10;

const TIMEOUT_MS = 15_000;

/** Credentials for a local system, which checks none; the SDK needs some to sign with. */
export const LOCAL_AWS = { region: "local", credentials: { accessKeyId: "local", secretAccessKey: "local" } } as const;

export interface BusOptions {
  /** The name of the bus of a deployed system: the output BusName. */
  readonly bus?: string;
  readonly region?: string;
}

/** The result of one entry: the id that the bus gave its event, or why it took none. */
export type PutResult = { readonly eventId: string } | { readonly error: string };

export interface EventBus {
  put(entries: readonly PutEventsRequestEntry[]): Promise<readonly PutResult[]>;
  close(): void;
}

/** The settings of an AWS client for a system: those of the environment, or a local system's own endpoint. */
export const awsSettings = ({ local, url }: System, region: string | undefined) =>
  local ? { endpoint: new URL("/dev/aws", url).href, ...LOCAL_AWS } : region === undefined ? {} : { region };

/**
 * Opens the system's event bus, with the AWS credentials of the environment for a deployed one.
 *
 * @throws UsageError where no bus is named and there is no local one.
 */
export function openBus(system: System, { bus, region }: BusOptions): EventBus {
  if (!system.local && bus === undefined) {
    throw new UsageError(
      `no bus is known: there is no local system at ${system.url.origin}; name the bus of a deployed one with --bus (output BusName)`,
    );
  }
  const client = new EventBridgeClient(awsSettings(system, region));
  const putBatch = async (entries: readonly PutEventsRequestEntry[]): Promise<readonly PutResult[]> => {
    const command = new PutEventsCommand({
      Entries: entries.map((entry) => (bus === undefined ? entry : { ...entry, EventBusName: bus })),
    });
    const { Entries: results = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(TIMEOUT_MS) });
    return entries.map((_, index) => {
      const { EventId: eventId, ErrorCode, ErrorMessage } = results[index] ?? {};
      return eventId === undefined
        ? { error: `${ErrorCode ?? "no answer"}: ${ErrorMessage ?? "the bus gave none"}` }
        : { eventId };
    });
  };
  return {
    async put(entries) {
      const results: PutResult[] = [];
      for (let start = 0; start < entries.length; start += BATCH) {
        results.push(...(await putBatch(entries.slice(start, start + BATCH))));
      }
      return results;
    },
    close: () => client.destroy(),
  };
}
