import { checkTemplates } from "../template-model/check.ts";
import { synthesizedEnvironments } from "./environments.ts";
import { cacheMutations } from "./list/cache.ts";
import { edgeMutations } from "./list/edge.ts";
import { gatewayMutations } from "./list/gateway.ts";
import { managedEdgeMutations } from "./list/managed-edge.ts";
import { networkMutations } from "./list/network.ts";
import { operationMutations } from "./list/operations.ts";
import { publisherMutations } from "./list/publishers.ts";
import { rotationMutations } from "./list/rotation.ts";
import { scalingMutations } from "./list/scaling.ts";
import { type Area, areas, type Mutation } from "./mutation.ts";

/** Every deliberate mistake. */
export const mutations: readonly Mutation[] = [
  ...networkMutations,
  ...cacheMutations,
  ...rotationMutations,
  ...gatewayMutations,
  ...scalingMutations,
  ...edgeMutations,
  ...publisherMutations,
  ...managedEdgeMutations,
  ...operationMutations,
];

export interface Result {
  readonly area: Area;
  readonly name: string;
  /** What the model says; nothing if it does not see the mistake. */
  readonly problems: readonly string[];
}

/** Makes each mistake in a copy of the templates, and returns what the model finds. */
export function runMutations(list: readonly Mutation[] = mutations): Result[] {
  const environments = synthesizedEnvironments();
  return list.map(({ area, name, environment, apply }) => {
    const original = environments[environment];
    if (!original) throw new Error(`there is no environment ${environment}`);
    const templates = structuredClone(original.templates);
    apply(templates);
    const findings = checkTemplates(templates, original.config);
    return { area, name, problems: findings.map(({ resource, problem }) => `${resource} ${problem}`) };
  });
}

export interface Count {
  readonly area: Area | "all";
  readonly caught: number;
  readonly all: number;
}

/** Counts the mistakes that were seen, by area and together. */
export function countCaught(results: readonly Result[]): Count[] {
  const count = (area: Count["area"], some: readonly Result[]): Count => ({
    area,
    caught: some.filter(({ problems }) => problems.length > 0).length,
    all: some.length,
  });
  return [
    ...areas.map((area) =>
      count(
        area,
        results.filter((result) => result.area === area),
      ),
    ),
    count("all", results),
  ];
}
