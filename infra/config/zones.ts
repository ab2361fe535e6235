/**
 * The ids of the zones in which every service of the system exists, in the order in which they are used. A name such as
 * us-east-1a is another zone in each account; an id is the same everywhere. Left out are zones
 * - without Fargate: usw1-az2, apne1-az3 (docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html);
 *   use1-az3 has it, but not on ARM64;
 * - without VPC origins of CloudFront: use1-az3, usw1-az2, apne1-az3, apne2-az1, cac1-az3
 *   (docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html).
 * use1-az4, -az6 and -az2 come first: ElastiCache Serverless began in these.
 *
 * All ids: docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
 */
const usable: Readonly<Record<string, { readonly prefix: string; readonly numbers?: readonly number[] }>> = {
  "us-east-1": { prefix: "use1", numbers: [4, 6, 2, 1, 5] },
  "us-east-2": { prefix: "use2" },
  "us-west-1": { prefix: "usw1", numbers: [1, 3] },
  "us-west-2": { prefix: "usw2", numbers: [1, 2, 3, 4] },
  "ca-central-1": { prefix: "cac1", numbers: [1, 2, 4] },
  "ca-west-1": { prefix: "caw1" },
  "mx-central-1": { prefix: "mxc1" },
  "sa-east-1": { prefix: "sae1" },
  "af-south-1": { prefix: "afs1" },
  "ap-east-1": { prefix: "ape1" },
  "ap-northeast-1": { prefix: "apne1", numbers: [1, 2, 4] },
  "ap-northeast-2": { prefix: "apne2", numbers: [2, 3, 4] },
  "ap-northeast-3": { prefix: "apne3" },
  "ap-south-1": { prefix: "aps1" },
  "ap-south-2": { prefix: "aps2" },
  "ap-southeast-1": { prefix: "apse1" },
  "ap-southeast-2": { prefix: "apse2" },
  "ap-southeast-3": { prefix: "apse3" },
  "ap-southeast-4": { prefix: "apse4" },
  "ap-southeast-5": { prefix: "apse5" },
  "ap-southeast-7": { prefix: "apse7" },
  "eu-central-1": { prefix: "euc1" },
  "eu-central-2": { prefix: "euc2" },
  "eu-north-1": { prefix: "eun1" },
  "eu-south-1": { prefix: "eus1" },
  "eu-south-2": { prefix: "eus2" },
  "eu-west-1": { prefix: "euw1" },
  "eu-west-2": { prefix: "euw2" },
  "eu-west-3": { prefix: "euw3" },
  "il-central-1": { prefix: "ilc1" },
  "me-central-1": { prefix: "mec1" },
  "me-south-1": { prefix: "mes1" },
};

/** Regions without VPC origins of CloudFront, of those above. */
const withoutVpcOrigins: ReadonlySet<string> = new Set([
  "ca-west-1",
  "mx-central-1",
  "ap-southeast-5",
  "ap-southeast-7",
]);

/** The zones for which the address plan has room: adding zones up to this number changes no subnet. */
export const PLANNED_ZONES = 6;

const ZONE_ID = /^[a-z]+[0-9]-az[0-9]+$/;

/** Returns true for a zone's id (`use1-az4`), false for its name (`us-east-1a`). */
export const isZoneId = (zone: string): boolean => ZONE_ID.test(zone);

/** Returns the zones that are used unless others are given; none for a region that is not in the table. */
export function defaultZones(region: string): readonly string[] {
  const entry = usable[region];
  return entry ? (entry.numbers ?? [1, 2, 3]).map((number) => `${entry.prefix}-az${number}`) : [];
}

/** Returns true if a zone's name or id can belong to a region. */
export function isZoneOf(region: string, zone: string): boolean {
  if (!isZoneId(zone)) return zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length));
  const prefix = usable[region]?.prefix;
  return prefix === undefined || zone.startsWith(`${prefix}-az`);
}

/** Returns the zones of an environment: those that are configured, else the region's, in either case the first ones. */
export const zonesOf = (region: string, network: ZoneFields): readonly string[] =>
  (network.zones ?? defaultZones(region)).slice(0, network.availabilityZones);

interface ZoneFields {
  readonly zones?: readonly string[] | undefined;
  readonly availabilityZones: number;
}

/** Returns true if CloudFront can reach a private load balancer in a region. */
export const hasVpcOrigins = (region: string): boolean => region in usable && !withoutVpcOrigins.has(region);
