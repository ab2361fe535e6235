import { RegionInfo } from "aws-cdk-lib/region-info";

/** The isolated partitions lack some of the services, Valkey among them. */
const ISOLATED = /-iso[a-z]?-/;

const regions: ReadonlySet<string> = new Set(
  RegionInfo.regions.map(({ name }) => name).filter((name) => !ISOLATED.test(name)),
);

/** Returns true if AWS has a region of that name: a mistyped one would fail only at deploy. */
export const isRegion = (name: string): boolean => regions.has(name);
