import * as z from "zod";
import type { Context } from "../command/context.ts";
import type { SystemOptions } from "../command/options.ts";

const QUESTION_TIMEOUT_MS = 2_000;

/** What `npm start` says about itself at `/dev/system`. */
const localSystem = z.object({
  /** The variables that its gateways and functions run with: Redis, the issuer. */
  environment: z.record(z.string(), z.string()),
  gatewayUrls: z.array(z.url()),
  managedEdgeUrl: z.url(),
  failureQueueUrl: z.url(),
});

export type LocalSystem = z.infer<typeof localSystem>;

/** A system, and how to reach its parts. */
export interface System {
  readonly url: URL;
  /** Undefined for a deployed system. */
  readonly local: LocalSystem | undefined;
  /** The variables of this process, before those of a local system. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const isLoopback = ({ hostname }: URL): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(hostname);

async function askLocal(url: URL): Promise<LocalSystem | undefined> {
  if (!isLoopback(url) || !url.protocol.startsWith("http")) return undefined;
  try {
    const response = await fetch(new URL("/dev/system", url), { signal: AbortSignal.timeout(QUESTION_TIMEOUT_MS) });
    return response.ok ? localSystem.parse(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves with the system at an address. A local one is asked for the addresses of its parts. */
export async function findSystem({ environment }: Context, { url }: SystemOptions): Promise<System> {
  const local = await askLocal(url);
  return { url, local, environment: { ...local?.environment, ...environment } };
}
