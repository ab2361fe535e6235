/**
 * The import rules: `npm run check` applies them, docs/architecture.md shows the picture. A room imports what its line
 * in `mayImport` lists, beside itself; each list is complete, so that a missing entry is a forbidden import.
 */
export const mayImport = {
  contract: [],
  kernel: ["contract"],
  publisher: ["contract", "kernel"],
  gateway: ["contract", "kernel"],
  // Its publisher functions call publish() as any other team's do.
  lambdas: ["contract", "kernel", "publisher"],
  client: ["contract"],
  infra: ["contract", "kernel"],
};

/** Floors inside a room: a folder imports those listed and nothing else of its room. */
export const floors = {
  client: { core: [], react: ["core"], "react-native": ["core", "react"] },
  infra: { config: [], constructs: [], stacks: ["config", "constructs"] },
  kernel: {
    aws: [],
    redis: ["aws"],
    auth: [],
    streams: ["redis"],
    protocol: ["auth", "streams"],
    "managed-edge": ["aws", "streams"],
    operations: ["managed-edge", "streams"],
  },
};

const roomRules = Object.entries(mayImport).map(([room, others]) => ({
  name: `${room}-imports-${others.join("-and-") || "nothing-of-ours"}`,
  comment: `${room}/ imports ${others.length === 0 ? "nothing of ours" : `of ours only ${others.map((other) => `${other}/`).join(", ")}`}`,
  severity: "error",
  from: { path: `^${room}/` },
  to: { pathNot: [`^(${[room, ...others].join("|")})/`, "node_modules"], dependencyTypes: ["local"] },
}));

const floorRules = Object.entries(floors).flatMap(([room, folders]) =>
  Object.entries(folders).map(([folder, others]) => ({
    name: `${room}-${folder}-floor`,
    comment: `${room}/${folder}/ imports of ${room}/ only ${others.map((other) => `${other}/`).join(", ") || "itself"}`,
    severity: "error",
    from: { path: `^${room}/${folder}/` },
    to: {
      path: `^${room}/[^/]+/`,
      pathNot: `^${room}/(${[folder, ...others].join("|")})/`,
    },
  })),
);

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...roomRules,
    ...floorRules,
    {
      name: "no-cycle",
      comment: "two files that import each other are one file",
      severity: "error",
      from: { pathNot: "^gateway/fan-out/(rate-lane|room)" },
      to: { circular: true },
    },
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".tsx", ".js", ".json"],
    },
  },
};
