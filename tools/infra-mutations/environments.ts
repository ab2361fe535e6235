import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import * as z from "zod";
import { type EnvironmentConfig, parseConfig } from "../../infra/config/config.ts";
import { createSystem } from "../../infra/system.ts";
import type { Drafts } from "./mutation.ts";

const cdkJson = z.looseObject({
  context: z.looseObject({ environments: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

const JWKS = '{"keys":[{"kty":"RSA","kid":"1","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}]}';

const PROMETHEUS = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0a1b2c3d/api/v1/remote_write";

/** Environments that together have every optional part. */
const fieldsOf = (environments: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  dev: environments.dev,
  "both edges": {
    ...(environments.prod as object),
    managedEdge: { enabled: true, fanOutConcurrency: 2, windowMs: 250 },
  },
  "domain and certificate": {
    region: "eu-west-1",
    protection: true,
    alarmEmail: "alarms@vezta.io",
    network: { availabilityZones: 3, egress: "nat-gateway", natDevices: 3 },
    cache: { replicas: 1, nodeType: "cache.r7g.large" },
    gateway: { minTasks: 3, polling: true, corsOrigins: ["https://app.vezta.io"], remoteWriteUrl: PROMETHEUS },
    events: { marketStream: "on-demand", reservedConcurrency: 20, producerAccounts: ["444455556666"] },
    edge: {
      domainName: "realtime.vezta.io",
      certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-0000-1111-2222-333344445555",
      hostedZoneId: "Z0123456789ABC",
      hostedZoneName: "vezta.io",
    },
  },
  "no internet access": {
    region: "eu-west-1",
    network: { egress: "endpoints" },
    cache: { mode: "serverless" },
    auth: { issuer: "https://issuer.vezta.io", audience: "vezta", jwks: JWKS },
    rotation: { enabled: true, everyDays: 7 },
  },
});

interface Environment {
  readonly config: EnvironmentConfig;
  readonly templates: Drafts;
}

function synthesize(context: object, fields: unknown): Environment {
  const outdir = mkdtempSync(join(tmpdir(), "vezta-mutations-"));
  // Bundling takes seconds and changes nothing but the names of assets.
  const app = new App({ outdir, context: { ...context, "aws:cdk:bundling-stacks": [] } });
  const config = parseConfig("test", { test: fields });
  createSystem(app, config);
  const templates = Object.fromEntries(app.synth().stacks.map(({ stackName, template }) => [stackName, template]));
  rmSync(outdir, { recursive: true });
  return { config, templates };
}

let synthesized: Readonly<Record<string, Environment>> | undefined;

/** Returns the templates of the environments that mutations change, by name. Synthesises them once in a process. */
export function synthesizedEnvironments(): Readonly<Record<string, Environment>> {
  const path = join(import.meta.dirname, "../../cdk.json");
  const { context } = cdkJson.parse(JSON.parse(readFileSync(path, "utf8")));
  synthesized ??= Object.fromEntries(
    Object.entries(fieldsOf(context.environments)).map(([name, fields]) => [name, synthesize(context, fields)]),
  );
  return synthesized;
}
