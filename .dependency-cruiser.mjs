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
  // The command-line tool: a client as any other, and an operator's hand on Redis.
  cli: ["contract", "kernel", "client"],
};

/** Floors inside a room, or a folder of one: a folder imports those listed and nothing else beside itself there. */
export const floors = {
  client: { core: [], react: ["core"], "react-native": ["core", "react"] },
  // client.ts (the public class) and types.ts (the public types) stand beside the folders.
  "client/core": {
    timing: [],
    topics: [],
    messages: [],
    positions: ["topics"],
    tokens: ["messages", "timing"],
    transport: ["messages", "timing"],
    states: ["topics"],
    subscriptions: ["positions", "states", "timing", "topics"],
    requests: ["messages", "positions", "subscriptions", "timing", "topics", "transport"],
    connection: ["messages", "requests", "subscriptions", "timing", "tokens", "topics", "transport"],
  },
  gateway: {
    redis: [],
    "socket-io": ["redis"],
    "fan-out": ["socket-io"],
    streams: ["fan-out", "redis"],
    connection: ["fan-out", "socket-io", "streams"],
    control: ["socket-io"],
  },
  cli: {
    command: [],
    system: ["command"],
    tail: [],
    smoke: [],
    doctor: ["command", "smoke", "system"],
    load: ["command", "smoke"],
    recording: ["command"],
    redrive: ["command", "system"],
    plan: ["recording"],
    commands: ["command", "system", "tail", "smoke", "doctor", "load", "recording", "redrive", "plan"],
  },
  infra: { config: [], constructs: [], stacks: ["config", "constructs"] },
  kernel: {
    aws: [],
    redis: ["aws"],
    auth: [],
    streams: ["redis"],
    protocol: ["auth", "streams"],
    "managed-edge": ["aws", "streams"],
    operations: ["managed-edge", "streams"],
    control: [],
  },
  "lambdas/managed-edge": {
    table: [],
    streams: [],
    posting: ["table"],
    connect: ["table"],
    messages: ["posting", "streams", "table"],
    "fan-out": ["posting", "streams", "table"],
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
    name: `${room.replaceAll("/", "-")}-${folder}-floor`,
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
      from: {},
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
