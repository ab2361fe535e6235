import { isRegion } from "./regions.ts";
import type { CheckedConfig, Rule } from "./rule.ts";
import { defaultZones, isZoneId, isZoneOf } from "./zones.ts";

/** Returns the rules of the availability zones. */
export function zoneRules({ region, network }: CheckedConfig): Rule[] {
  const { availabilityZones } = network;
  const zones = network.zones ?? defaultZones(region);
  const foreign = zones.filter((zone) => !isZoneOf(region, zone));
  const path = ["network", "zones"];
  return [
    {
      path,
      broken: isRegion(region) && zones.length === 0,
      message: `is missing: there is no table of the zones of ${region}; name those that have Fargate on ARM64 and ElastiCache`,
    },
    {
      path: ["network", network.zones ? "zones" : "availabilityZones"],
      broken: zones.length > 0 && availabilityZones > zones.length,
      message: network.zones
        ? `has ${zones.length} zones, and network.availabilityZones is ${availabilityZones}`
        : `every service exists in ${zones.length} zones of ${region}; use 2 to ${zones.length}, or name zones in network.zones`,
    },
    { path, broken: foreign.length > 0, message: `${foreign.join(", ")} cannot be a zone of ${region}` },
    { path, broken: new Set(zones).size < zones.length, message: "names a zone twice" },
    {
      path,
      broken: new Set(zones.map(isZoneId)).size > 1,
      message: "has names and ids: use either, since a name can be the same zone as an id",
    },
  ];
}
