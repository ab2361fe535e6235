const LARGE = ["large", "xlarge", "2xlarge", "4xlarge"];

/** The sizes of each ElastiCache family that runs Valkey 8 in cluster mode; T2 and M1 to M4 are too old for it. */
const sizes: Readonly<Record<string, readonly string[]>> = {
  t3: ["micro", "small", "medium"],
  t4g: ["micro", "small", "medium"],
  m5: [...LARGE, "12xlarge", "24xlarge"],
  r5: [...LARGE, "12xlarge", "24xlarge"],
  m6g: [...LARGE, "8xlarge", "12xlarge", "16xlarge"],
  m7g: [...LARGE, "8xlarge", "12xlarge", "16xlarge"],
  r6g: [...LARGE, "8xlarge", "12xlarge", "16xlarge"],
  r7g: [...LARGE, "8xlarge", "12xlarge", "16xlarge"],
  c7gn: [...LARGE, "8xlarge", "12xlarge", "16xlarge"],
};

/** The node families that can be configured. */
export const cacheNodeFamilies: readonly string[] = Object.keys(sizes);

/** Returns true if a node type, such as `cache.t4g.small`, exists and supports cluster mode. */
export function isClusterNode(type: string): boolean {
  const [, family = "", size = ""] = /^cache\.([a-z0-9]+)\.([a-z0-9]+)$/.exec(type) ?? [];
  return Object.hasOwn(sizes, family) && sizes[family]?.includes(size) === true;
}
