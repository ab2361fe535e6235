import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { environmentSchema, parseConfig } from "../../infra/config/config.ts";
import { context, root } from "./synthesize.ts";

const CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0000-1111-2222-333344445555";
const JWKS = '{"keys":[{"kty":"RSA","kid":"1","n":"AQAB","e":"AQAB"}]}';
const DOMAIN = "realtime.example.com";

const NODE_TYPES =
  "must be a node type with cluster mode: cache.<family>.<size> of the families t3, t4g, m5, r5, m6g, m7g, r6g, r7g, c7gn, in a size that the family has, such as cache.t4g.small";

const PROTECTED = { protection: true, alarmEmail: "alarms@vezta.io" };
const OWN_PAGES = { corsOrigins: ["https://app.vezta.io"] };
const READY = {
  ...PROTECTED,
  gateway: { ...OWN_PAGES, minTasks: 2 },
  cache: { replicas: 1 },
  edge: { type: "cloudfront" },
};

const wrong: readonly (readonly [string, unknown, string])[] = [
  [
    "a domain without a certificate",
    { edge: { domainName: DOMAIN } },
    "edge.certificateArn: is missing: the domain realtime.example.com needs an ACM certificate in us-east-1",
  ],
  [
    "a certificate without a domain",
    { edge: { certificateArn: CERTIFICATE } },
    "edge.domainName: is missing: give the domain of the certificate, the name that clients use",
  ],
  [
    "a certificate of another region",
    { region: "eu-west-1", edge: { domainName: DOMAIN, certificateArn: CERTIFICATE } },
    "edge.certificateArn: is in us-east-1; the load balancer needs one in eu-west-1",
  ],
  [
    "an invalid certificate ARN",
    { edge: { domainName: DOMAIN, certificateArn: "cert" } },
    "edge.certificateArn: must be the ARN of an ACM certificate",
  ],
  [
    "a domain behind CloudFront",
    { edge: { type: "cloudfront", domainName: DOMAIN, certificateArn: CERTIFICATE } },
    "edge.type: cloudfront is for environments without a domain: use alb with edge.domainName and edge.certificateArn",
  ],
  [
    "half a hosted zone",
    { edge: { domainName: DOMAIN, certificateArn: CERTIFICATE, hostedZoneId: "Z0123" } },
    "edge.hostedZoneId: edge.hostedZoneId and edge.hostedZoneName go together: give both or neither",
  ],
  [
    "a zone that does not contain the domain",
    { edge: { domainName: DOMAIN, certificateArn: CERTIFICATE, hostedZoneId: "Z0123", hostedZoneName: "other.com" } },
    "edge.hostedZoneName: the zone other.com cannot hold edge.domainName, which is realtime.example.com",
  ],
  [
    "memory that Fargate does not offer with the CPU units",
    { gateway: { cpu: 1024, memory: 512 } },
    "gateway.memory: Fargate has no task size of 1024 CPU units and 512 MiB; with 1024 use 2048, 3072, 4096, 5120, 6144, 7168, 8192",
  ],
  [
    "CPU units that Fargate does not offer",
    { gateway: { cpu: 300 } },
    "gateway.cpu: must be one of 256, 512, 1024, 2048, 4096",
  ],
  [
    "a maximum of tasks below the minimum",
    { gateway: { minTasks: 5 } },
    "gateway.maxTasks: must be at least gateway.minTasks, which is 5",
  ],
  ["a node type without cluster mode", { cache: { nodeType: "cache.t2.micro" } }, `cache.nodeType: ${NODE_TYPES}`],
  [
    "a node size that its family does not have",
    { cache: { nodeType: "cache.t4g.large" } },
    `cache.nodeType: ${NODE_TYPES}`,
  ],
  [
    "an issuer that is not https",
    { auth: { issuer: "http://issuer.example.com", audience: "vezta" } },
    "auth.issuer: must be an https URL, the iss of the tokens",
  ],
  [
    "an issuer without an audience",
    { auth: { issuer: "https://issuer.example.com" } },
    "auth.audience: auth.issuer and auth.audience go together: give both, or neither for a Cognito user pool",
  ],
  [
    "keys without an issuer",
    { auth: { jwks: JWKS } },
    "auth.jwks: belongs to an issuer of yours: give auth.issuer as well",
  ],
  [
    "invalid keys",
    { auth: { issuer: "https://a.example.com", audience: "a", jwks: "{}" } },
    "auth.jwks: must be a JWKS as JSON, with at least one key that has a kid",
  ],
  [
    "an issuer whose keys cannot be fetched",
    { network: { egress: "endpoints" } },
    "network.egress: with endpoints the issuer's keys cannot be fetched: give auth.jwks, or use nat-instance or nat-gateway",
  ],
  [
    "a public image that cannot be pulled",
    {
      network: { egress: "endpoints" },
      auth: { issuer: "https://a.example.com", audience: "a", jwks: JWKS },
      gateway: { image: "docker.io/vezta/gateway:1" },
    },
    "gateway.image: with egress endpoints only an image in ECR can be pulled: give one, or none",
  ],
  [
    "a collector without a way to the internet",
    {
      network: { egress: "endpoints" },
      auth: { issuer: "https://issuer.example.com", audience: "vezta", jwks: JWKS },
      gateway: { remoteWriteUrl: "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write" },
    },
    "gateway.remoteWriteUrl: with egress endpoints neither the collector's image nor the workspace can be reached: omit it",
  ],
  [
    "a remote-write address of somebody else",
    { gateway: { remoteWriteUrl: "https://prometheus.example.com/api/v1/write" } },
    "gateway.remoteWriteUrl: must be https://aps-workspaces.<region>.amazonaws.com/workspaces/<id>/api/v1/remote_write",
  ],
  [
    "more zones than the region has",
    { region: "us-west-1", network: { availabilityZones: 3 } },
    "network.availabilityZones: every service exists in 2 zones of us-west-1; use 2 to 2, or name zones in network.zones",
  ],
  [
    "a single zone, which load balancers do not accept",
    { network: { availabilityZones: 1 } },
    "network.availabilityZones: must be a whole number from 2 to 6",
  ],
  [
    "more NAT devices than zones",
    { network: { natDevices: 3 } },
    "network.natDevices: there are 2 availability zones, and more than one device per zone makes no sense",
  ],
  [
    "an address range that is too small",
    { network: { cidr: "10.0.0.0/24" } },
    "network.cidr: must be of size /16 to /19, such as 10.20.0.0/16",
  ],
  [
    "production on plain HTTP",
    { ...PROTECTED, gateway: { ...OWN_PAGES, minTasks: 2 }, cache: { replicas: 1 } },
    "edge.type: a protected environment must not serve plain HTTP: give a domain and a certificate, or use cloudfront",
  ],
  [
    "production on one task",
    { ...PROTECTED, gateway: OWN_PAGES, cache: { replicas: 1 }, edge: { type: "cloudfront" } },
    "gateway.minTasks: a protected environment must survive the loss of a zone: use at least 2",
  ],
  [
    "production without a replica",
    { ...PROTECTED, gateway: { ...OWN_PAGES, minTasks: 2 }, edge: { type: "cloudfront" } },
    "cache.replicas: a protected environment must survive the loss of a zone: use at least 1",
  ],
  [
    "a drain longer than the deregistration delay",
    { gateway: { drainSeconds: 110 } },
    "gateway.drainSeconds: must be a whole number from 1 to 90",
  ],
  [
    "an environment without an endpoint",
    { gateway: { enabled: false } },
    "gateway.enabled: there would be no endpoint: keep gateway.enabled or set managedEdge.enabled",
  ],
  [
    "a managed edge that cannot reach its connections",
    {
      managedEdge: { enabled: true },
      network: { egress: "endpoints" },
      auth: { issuer: "https://a.example.com", audience: "a", jwks: JWKS },
    },
    "managedEdge.enabled: its functions post to connections over the internet: use network.egress nat-instance or nat-gateway, or disable it",
  ],
  [
    "keys that exceed the size of a function's variables",
    {
      managedEdge: { enabled: true },
      auth: { issuer: "https://a.example.com", audience: "a", jwks: JWKS.replace("AQAB", "A".repeat(3_000)) },
    },
    "auth.jwks: with managedEdge at most 3000 characters, since the variables of a function are limited to 4 KB: give auth.jwksUri instead",
  ],
  [
    "a domain without a load balancer",
    {
      managedEdge: { enabled: true },
      gateway: { enabled: false },
      edge: { domainName: DOMAIN, certificateArn: CERTIFICATE },
    },
    "edge.domainName: belongs to the gateway's load balancer, and gateway.enabled is false",
  ],
  [
    "production without an address for its alarms",
    { ...READY, alarmEmail: undefined },
    "alarmEmail: is missing: the alarms of a protected environment must reach somebody",
  ],
  [
    "production for pages of any origin",
    { ...READY, gateway: { minTasks: 2 } },
    "gateway.corsOrigins: a protected environment must name the origins of its pages, such as https://app.example.com",
  ],
  [
    "a budget that notifies nobody",
    { cost: { monthlyBudget: 100 } },
    "cost.monthlyBudget: needs alarmEmail, the address that the budget notifies",
  ],
  [
    "more nodes than a cluster may have",
    { cache: { shards: 90, replicas: 5 } },
    "cache.shards: 90 shards with 5 replicas are 540 nodes; a cluster has at most 90",
  ],
  [
    "more connections than fit into the memory",
    { gateway: { maxConnections: 60_000 } },
    "gateway.maxConnections: 60000 connections take some 2000 MiB, and gateway.memory is 512",
  ],
  [
    "zones of another region",
    { network: { zones: ["euw1-az1", "use1-az1"] } },
    "network.zones: euw1-az1 cannot be a zone of us-east-1",
  ],
  [
    "names and ids of zones",
    { network: { zones: ["us-east-1a", "use1-az1"] } },
    "network.zones: has names and ids: use either, since a name can be the same zone as an id",
  ],
  ["a zone twice", { network: { zones: ["us-east-1a", "us-east-1a"] } }, "network.zones: names a zone twice"],
  [
    "fewer zones than are in use",
    { network: { availabilityZones: 3, zones: ["us-east-1a", "us-east-1b"] } },
    "network.zones: has 2 zones, and network.availabilityZones is 3",
  ],
  [
    "a region whose zones are not known",
    { region: "us-gov-west-1" },
    "network.zones: is missing: there is no table of the zones of us-gov-west-1; name those that have Fargate on ARM64 and ElastiCache",
  ],
  ["an isolated region", { region: "us-iso-east-1" }, "region: must be the name of a region, such as eu-west-1"],
  [
    "CloudFront where it cannot reach a private load balancer",
    { region: "mx-central-1", edge: { type: "cloudfront" } },
    "edge.type: CloudFront cannot reach a private load balancer in mx-central-1: use alb with a domain and a certificate",
  ],
  ["a region that does not exist", { region: "eu-wset-1" }, "region: must be the name of a region, such as eu-west-1"],
  ["an unknown field", { gateway: { memmory: 512 } }, 'gateway: Unrecognized key: "memmory"'],
];

describe("parseConfig", () => {
  it.each(wrong)("refuses %s", (_name, fields, sentence) => {
    expect(() => parseConfig("test", { test: fields })).toThrow(
      expect.objectContaining({ message: `environment test: ${sentence}` }),
    );
  });

  it("names every invalid field at once", () => {
    const fields = { region: "x", cache: { shards: 0 } };

    expect(() => parseConfig("test", { test: fields })).toThrow(/region: .*\n.*cache\.shards: /);
  });

  it("lists the environments", () => {
    expect(() => parseConfig("staging", context.environments)).toThrow(
      "environment: must be one of dev, prod (-c environment=…), not staging",
    );
  });

  it.each(["My_Env", "a--b", "a-", "1st", "a-name-of-too-many-letters"])(
    "refuses the name %s, which an AWS service would refuse",
    (name) => {
      expect(() => parseConfig(name, { [name]: {} })).toThrow(`environment ${name}: a name has`);
    },
  );

  it.each(Object.keys(context.environments))("accepts %s of cdk.json", (name) => {
    const config = parseConfig(name, context.environments);

    expect(config.name).toBe(name);
  });
});

/** Returns every field with its description and default. */
function fieldsOf(schema: z.ZodObject, path: string[] = []): { path: string; description: string; fallback: string }[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => {
    const type = z.instanceof(z.ZodType).parse(field);
    const inner = type instanceof z.ZodPrefault ? type.unwrap() : type;
    if (inner instanceof z.ZodObject) return fieldsOf(inner, [...path, name]);
    const fallback = type.safeParse(undefined).data;
    const shown = fallback === undefined ? "none" : `\`${JSON.stringify(fallback)}\``;
    return [{ path: [...path, name].join("."), description: type.description ?? "", fallback: shown }];
  });
}

describe("every field", () => {
  const fields = fieldsOf(environmentSchema);

  it.each(fields)("$path has a description and a cost", ({ description }) => {
    expect(description).toMatch(/^.{20,}\. Cost.*: .+\.$/);
  });

  it("is in docs/configuration.md (vitest run test/infra/config.test.ts -u writes it)", async () => {
    const rows = fields.map(({ path, fallback, description }) => {
      const [reason, cost] = description.split(/(?= Cost[^:.]*: )/);
      return `| \`${path}\` | ${fallback} | ${reason} | ${cost?.trim()} |`;
    });
    const table = [
      "# Configuration",
      "",
      "An environment is an entry of `context.environments` in `cdk.json`; `-c environment=<name>` selects it. All fields",
      "have defaults for a cheap trial. This page is generated by `test/infra/config.test.ts` from `infra/config/config.ts`.",
      "Prices are those of us-east-1.",
      "",
      "| field | default | description | cost |",
      "| --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");

    await expect(table).toMatchFileSnapshot(join(root, "docs/configuration.md"));
  });
});
