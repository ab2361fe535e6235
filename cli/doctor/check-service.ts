import * as z from "zod";
import { messageOf } from "../../kernel/as-error.ts";
import { authEnvironment, ConfigurationError, parseEnvironment } from "../../kernel/env.ts";
import { runSmokeTest } from "../smoke/smoke-test.ts";
import type { System } from "../system/system.ts";
import { type Finding, failed, ok, skipped } from "./finding.ts";

const TIMEOUT_MS = 5_000;

/** Checks that a client can connect and subscribe. */
export async function checkEndpoint(url: URL, token: string | undefined): Promise<readonly Finding[]> {
  const steps = await runSmokeTest({ url, token, timeoutMs: TIMEOUT_MS, events: undefined });
  return steps
    .filter(({ outcome }) => outcome !== "skipped")
    .map(({ name, outcome, detail }) => {
      const check = name === "connect" ? "Endpoint" : "Subscribe";
      if (outcome === "ok") return ok(check, name === "connect" ? `${url.href}: ${detail}` : detail);
      return failed(check, `${url.href}: ${detail}`, remedyOf(detail));
    });
}

function remedyOf(detail: string): string {
  if (/token/.test(detail))
    return "get a new token from the issuer; its iss and aud must be those that the gateway expects";
  if (/ENOTFOUND/.test(detail)) return "correct the host of --url";
  if (/ECONNREFUSED/.test(detail)) return "start the system (npm start), or correct the port of --url";
  return "read the gateways' log; vezta inspect gateways shows whether they are ready";
}

const jwks = z.object({ keys: z.array(z.looseObject({ kid: z.string() })).min(1) });

/** Checks that the issuer's signing keys can be had, as a gateway gets them. */
export async function checkIssuer({ environment }: System): Promise<Finding> {
  const { RT_AUTH_ISSUER: issuer, RT_AUTH_JWKS: given, RT_AUTH_JWKS_URI: uri } = environment;
  if (issuer === undefined) return skipped("Issuer", "RT_AUTH_ISSUER is not set here");
  if (given !== undefined) return ok("Issuer", `${issuer}: the keys are in RT_AUTH_JWKS`);
  const address = uri ?? `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return ok("Issuer", `${address}: ${jwks.parse(await response.json()).keys.length} keys`);
  } catch (error) {
    const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : "";
    return failed(
      "Issuer",
      `${address}: ${messageOf(error)}${cause}`,
      "correct RT_AUTH_ISSUER or RT_AUTH_JWKS_URI, or give the keys in RT_AUTH_JWKS where there is no way to the issuer",
    );
  }
}

/** Checks the variables of a gateway as far as they are set here. */
export function checkConfiguration({ environment, local }: System): Finding {
  const names = Object.keys(authEnvironment.shape).filter((name) => environment[name] !== undefined);
  if (names.length === 0) return skipped("Configuration", "no RT_AUTH_… variable is set here");
  try {
    parseEnvironment(authEnvironment, environment);
    return ok("Configuration", local ? "that of the local system" : `${names.join(", ")} are valid`);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return failed(
      "Configuration",
      error.message.replaceAll(/\s*\n\s*/g, " "),
      "docs/configuration.md has every variable",
    );
  }
}
