import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";

const root = join(import.meta.dirname, "../..");

export interface BundleInvocation {
  /** The file that the function's code is in. */
  readonly bundle: string;
  /** The name of its export. */
  readonly handler: string;
  readonly event: unknown;
  /** All that the function gets to see, beside the search path. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const outcomeSchema = z.object({ result: z.unknown(), initMs: z.number(), handlerMs: z.number() });

export interface BundleOutcome {
  readonly code: number | null;
  readonly stderr: string;
  /** The function's result, and the duration of loading and handling. Undefined where it failed. */
  readonly outcome: z.infer<typeof outcomeSchema> | undefined;
}

/**
 * Gives the bundles of a cloud assembly all that Lambda's runtime brings with it, the AWS SDK. Anything else that a
 * bundle lacks fails, as it would in Lambda.
 */
export function provideRuntime(assembly: string): void {
  const modules = join(assembly, "node_modules");
  if (existsSync(modules)) return;
  mkdirSync(modules);
  for (const name of ["@aws-sdk", "@smithy"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
}

/** Starts a function from its bundle in a process of its own, runs it once and ends it. */
export async function invokeBundle(invocation: BundleInvocation): Promise<BundleOutcome> {
  const { bundle, handler, event, environment } = invocation;
  const child = spawn(process.execPath, [join(import.meta.dirname, "bundle-host.ts"), bundle, handler], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(JSON.stringify(event));
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, "exit");
  const [stdout, stderr] = await output;
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return { code, stderr, outcome: code === 0 ? outcomeSchema.parse(JSON.parse(last)) : undefined };
}
