import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import type { CloudAssembly } from "aws-cdk-lib/cx-api";
import * as z from "zod";
import { type EnvironmentConfig, parseConfig } from "../../infra/config/config.ts";
import { createSystem } from "../../infra/system.ts";
import { type ValidationReport, validationReportSchema } from "../../tools/infra-report/validation-report.ts";

/** The root of the repository. */
export const root = join(import.meta.dirname, "../..");

const contextSchema = z.looseObject({ environments: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** The `context` of cdk.json: feature flags and environments. */
export const context = contextSchema.parse(JSON.parse(readFileSync(join(root, "cdk.json"), "utf8")).context);

export interface Resource {
  readonly logicalId: string;
  readonly stack: string;
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties differ by type, and a test states what it expects
  readonly Properties: any;
  readonly DependsOn?: string[];
  readonly DeletionPolicy?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

/** Returns the only resource of a type. */
export function only(synthesis: Pick<Synthesis, "ofType">, type: string): Resource {
  const [resource, ...others] = synthesis.ofType(type);
  if (!resource || others.length > 0) throw new Error(`not one but ${others.length + (resource ? 1 : 0)} of ${type}`);
  return resource;
}

/** Returns true for CDK's function behind a custom resource, whose failures CloudFormation handles. */
const isCustomResourceProvider = ({ logicalId }: Resource): boolean =>
  logicalId.startsWith("AWS679f53fac002430cb0da5b7982bd2287");

/** Returns the publishers among {@link functionsOf}. */
export const publishersOf = (synthesis: Pick<Synthesis, "ofType">): readonly Resource[] =>
  functionsOf(synthesis).filter(({ stack }) => stack.endsWith("-domain-events"));

/** Returns the functions of the managed edge among {@link functionsOf}. */
export const edgeFunctionsOf = (synthesis: Pick<Synthesis, "ofType">): readonly Resource[] =>
  functionsOf(synthesis).filter(({ stack }) => stack.endsWith("-managed-edge"));

/** Returns the functions that rotate passwords among {@link functionsOf}. */
export const rotationsOf = (synthesis: Pick<Synthesis, "ofType">): readonly Resource[] =>
  functionsOf(synthesis).filter(({ stack }) => stack.endsWith("-rotation"));

/** Returns our functions, without CDK's own. */
export const functionsOf = ({ ofType }: Pick<Synthesis, "ofType">): readonly Resource[] =>
  ofType("AWS::Lambda::Function").filter((resource) => !isCustomResourceProvider(resource));

/** Returns the folder of a function's code, if it was bundled. */
export const codeOf = ({ assembly }: Pick<Synthesis, "assembly">, { Properties }: Resource): string =>
  join(assembly.directory, `asset.${Properties.Code.S3Key.replace(/\.zip$/, "")}`);

/** Returns the gateway's container and its variables. */
export function gatewayContainer(synthesis: Pick<Synthesis, "ofType">) {
  const container = only(synthesis, "AWS::ECS::TaskDefinition").Properties.ContainerDefinitions[0];
  const environment: Readonly<Record<string, unknown>> = Object.fromEntries(
    container.Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [Name, Value]),
  );
  return { container, environment };
}

/** A synthesised environment. */
export interface Synthesis {
  readonly config: EnvironmentConfig;
  readonly assembly: CloudAssembly;
  readonly resources: readonly Resource[];
  ofType(type: string): readonly Resource[];
  /** Returns the template of a stack, by the last part of its name. */
  // biome-ignore lint/suspicious/noExplicitAny: as for Resource.Properties
  template(part: string): any;
  /** Returns the images that a deploy builds. */
  dockerImages(): readonly DockerImage[];
  /** The reports of the plugins that check every synth. */
  readonly report: ValidationReport;
}

const dockerImage = z.object({
  source: z.looseObject({ directory: z.string(), dockerFile: z.string(), platform: z.string().optional() }),
});

export type DockerImage = z.infer<typeof dockerImage>;

const assetsSchema = z.object({ dockerImages: z.record(z.string(), dockerImage) });

function readDockerImages(assembly: CloudAssembly): DockerImage[] {
  const manifests = assembly.stacks.map(({ stackName }) => join(assembly.directory, `${stackName}.assets.json`));
  return manifests.flatMap((path) =>
    Object.values(assetsSchema.parse(JSON.parse(readFileSync(path, "utf8"))).dockerImages),
  );
}

/** Creates an app with the feature flags of cdk.json and a temporary output folder. Bundling takes seconds: off by default. */
export const createApp = ({ bundle = false } = {}): App =>
  new App({
    outdir: mkdtempSync(join(tmpdir(), "vezta-synth-")),
    context: { ...context, ...(bundle ? {} : { "aws:cdk:bundling-stacks": [] }) },
  });

/** Reads the reports of the plugins that check every synth. */
export const readReport = ({ directory }: CloudAssembly): ValidationReport =>
  validationReportSchema.parse(JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8")))
    .pluginReports;

/** Synthesises an app, cdk-nag and CloudFormation validation included. Throws if one of them has a finding. */
export function synthesizeApp(app: App, config: EnvironmentConfig): Synthesis {
  const assembly = app.synth();
  const resources = assembly.stacks.flatMap((stack) =>
    Object.entries<Omit<Resource, "logicalId" | "stack">>(stack.template.Resources).map(([logicalId, resource]) => ({
      ...resource,
      logicalId,
      stack: stack.stackName,
    })),
  );
  return {
    config,
    assembly,
    resources,
    ofType: (type) => resources.filter(({ Type }) => Type === type),
    template: (part) => assembly.stacks.find(({ stackName }) => stackName.endsWith(`realtime-${part}`))?.template,
    dockerImages: () => readDockerImages(assembly),
    report: readReport(assembly),
  };
}

/** Synthesises an environment with the given fields of cdk.json. */
export function synthesize(fields: unknown, { bundle = false } = {}): Synthesis {
  const app = createApp({ bundle });
  const config = parseConfig("test", { test: fields });
  createSystem(app, config);
  return synthesizeApp(app, config);
}

const DOMAIN = {
  domainName: "realtime.example.com",
  certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-0000-1111-2222-333344445555",
};

/** The public keys of an issuer; the private ones do not exist. */
const JWKS = '{"keys":[{"kty":"RSA","kid":"1","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}]}';

/** Every optional part enabled and disabled, in several regions. */
export const variants: Readonly<Record<string, unknown>> = {
  dev: context.environments.dev,
  prod: context.environments.prod,
  "prod in another region": { ...context.environments.prod, region: "ap-southeast-2" },
  "domain and certificate": {
    region: "eu-west-1",
    protection: true,
    alarmEmail: "alarms@example.com",
    network: { availabilityZones: 3, egress: "nat-gateway", natDevices: 3 },
    cost: { monthlyBudget: 500 },
    cache: { accessStrings: "broad", replicas: 2, shards: 3, nodeType: "cache.r7g.large" },
    gateway: {
      minTasks: 3,
      polling: true,
      corsOrigins: ["https://app.example.com"],
      remoteWriteUrl: "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0a1b/api/v1/remote_write",
    },
    events: { marketStream: "on-demand", reservedConcurrency: 20, producerAccounts: ["444455556666"] },
    edge: { ...DOMAIN, hostedZoneId: "Z0123456789ABC", hostedZoneName: "example.com" },
  },
  "no internet access": {
    region: "eu-west-1",
    network: { egress: "endpoints" },
    cache: { mode: "serverless", snapshotDays: 3 },
    gateway: { image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/gateway:1" },
    events: { marketStream: "provisioned" },
    auth: { issuer: "https://issuer.example.com", audience: "vezta", jwks: JWKS },
    edge: DOMAIN,
    rotation: { enabled: true, everyDays: 7 },
  },
  "an own issuer": {
    auth: { issuer: "https://issuer.example.com", audience: "vezta", jwksUri: "https://issuer.example.com/keys" },
    edge: { type: "cloudfront" },
    cache: { mode: "serverless", maximumStorageGb: 1 },
  },
  "both edges": {
    ...context.environments.prod,
    managedEdge: { enabled: true, fanOutConcurrency: 2, windowMs: 250 },
  },
  "the managed edge alone": {
    region: "eu-west-1",
    protection: true,
    alarmEmail: "alarms@example.com",
    network: { egress: "nat-gateway" },
    cache: { replicas: 1 },
    gateway: { enabled: false },
    managedEdge: { enabled: true, accountLogRole: false },
    auth: { issuer: "https://issuer.example.com", audience: "vezta", jwks: JWKS },
  },
};

const isEnabled = (part: "gateway" | "managedEdge") => (fields: unknown) =>
  parseConfig("test", { test: fields })[part].enabled;

/** The variants with Socket.IO gateways. */
export const gatewayVariants = Object.entries(variants).filter(([, fields]) => isEnabled("gateway")(fields));

/** The variants with a managed edge. */
export const managedEdgeVariants = Object.entries(variants).filter(([, fields]) => isEnabled("managedEdge")(fields));
