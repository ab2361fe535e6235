import { RegionInfo } from "aws-cdk-lib/region-info";

const regions: ReadonlySet<string> = new Set(RegionInfo.regions.map(({ name }) => name));

/** Whether AWS has a region of that name: a mistyped one would be noticed only at deploy. */
export const isRegion = (name: string): boolean => regions.has(name);

/** Availability zones that a new account gets in a region, where it is not the usual three. */
const unusual: Readonly<Record<string, number>> = {
  "us-east-1": 6,
  "us-west-1": 2,
  "us-west-2": 4,
  "ap-northeast-2": 4,
};

/** How many availability zones can be used in a region. AWS opens no region with fewer than three any more. */
export const availabilityZonesOf = (region: string): number => unusual[region] ?? 3;
