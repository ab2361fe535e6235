import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";

const root = join(import.meta.dirname, "../..");

export interface BundleInvocation {
  /** The file of the function's code. */
  readonly bundle: string;
  /** The name of the exported handler. */
  readonly handler: string;
  readonly event: unknown;
  /** All environment variables of the function. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const outcomeSchema = z.object({ result: z.unknown(), initMs: z.number(), handlerMs: z.number() });

export interface BundleOutcome {
  readonly code: number | null;
  readonly stderr: string;
  /** The result, and how long loading and handling took. Undefined if the function failed. */
  readonly outcome: z.infer<typeof outcomeSchema> | undefined;
}

/**
 * Provides the bundles of a cloud assembly with what Lambda's runtime has, the AWS SDK. Any other missing package fails,
 * as in Lambda.
 */
export function provideRuntime(assembly: string): void {
  const modules = join(assembly, "node_modules");
  if (existsSync(modules)) return;
  mkdirSync(modules);
  for (const name of ["@aws-sdk", "@smithy"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
}

/** Runs a function once, from its bundle in a new process. */
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
