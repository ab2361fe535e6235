import { RegionInfo } from "aws-cdk-lib/region-info";

const regions: ReadonlySet<string> = new Set(RegionInfo.regions.map(({ name }) => name));

/** Returns true if AWS has a region of that name: a mistyped one would fail only at deploy. */
export const isRegion = (name: string): boolean => regions.has(name);

/** The number of availability zones of a new account, for regions that do not have three. */
const unusual: Readonly<Record<string, number>> = {
  "us-east-1": 6,
  "us-west-1": 2,
  "us-west-2": 4,
  "ap-northeast-2": 4,
};

/** Returns how many availability zones a region has. All new regions have at least three. */
export const availabilityZonesOf = (region: string): number => unusual[region] ?? 3;
