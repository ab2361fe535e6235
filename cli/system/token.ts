import { readFileSync } from "node:fs";
import { decodeJwt } from "jose";
import * as z from "zod";
import { messageOf } from "../../kernel/as-error.ts";
import { UsageError } from "../command/context.ts";
import type { ClientOptions } from "../command/options.ts";
import type { System } from "./system.ts";

const answer = z.object({ token: z.string() });

async function sign(system: System, sub: string): Promise<string> {
  if (!system.local)
    throw new UsageError("--sub needs a local system: give a deployed one a token with --token-file or VEZTA_TOKEN");
  const url = new URL("/dev/token", system.url);
  url.searchParams.set("sub", sub);
  const response = await fetch(url);
  if (!response.ok) throw new UsageError(`--sub: ${(await response.text()).trim()}`);
  return answer.parse(await response.json()).token;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UsageError(`--token-file: ${messageOf(error)}`);
  }
}

/** Resolves with the token that the options, or `VEZTA_TOKEN`, give; undefined to connect anonymously. */
export async function findToken(system: System, { sub, tokenFile }: ClientOptions): Promise<string | undefined> {
  if (sub !== undefined) return sign(system, sub);
  if (tokenFile !== undefined) return readToken(tokenFile);
  return system.environment.VEZTA_TOKEN?.trim() || undefined;
}

/** Returns the address that a client connects to. */
export function clientUrl(system: System, { managed }: Pick<ClientOptions, "managed">): URL {
  if (!managed) return system.url;
  if (!system.local)
    throw new UsageError("--managed needs a local system: give the managed edge of a deployed one as --url wss://…");
  return new URL(system.local.managedEdgeUrl);
}

/** Returns the user that a token names, without verifying it: the endpoint does that. Undefined without a token. */
export const userOf = (token: string | undefined): string | undefined =>
  token === undefined ? undefined : decodeJwt(token).sub;
