import { expect, it } from "vitest";
import { synthesizedEnvironments } from "../../tools/infra-mutations/environments.ts";
import { countCaught, mutations, runMutations } from "../../tools/infra-mutations/run.ts";
import { checkTemplates } from "../../tools/template-model/check.ts";

/** Hundreds of checks of all templates take minutes on a busy machine. */
const LIMIT_MS = 900_000;

const LEAST_SHARE = 0.9;
const LEAST_SHARE_OF_AN_AREA = 0.8;

it("the reference model sees nine of ten deliberate mistakes, and eight of ten in each area", {
  timeout: LIMIT_MS,
}, () => {
  const results = runMutations();
  const counts = countCaught(results);
  const shares = counts.map(({ area, caught, all }) => [area, caught / all] as const);

  expect(mutations.length).toBeGreaterThanOrEqual(150);
  for (const [area, share] of shares) {
    expect([area, share >= (area === "all" ? LEAST_SHARE : LEAST_SHARE_OF_AN_AREA)]).toEqual([area, true]);
  }
});

it("the templates in which mistakes are made have none", { timeout: LIMIT_MS }, () => {
  for (const { config, templates } of Object.values(synthesizedEnvironments())) {
    expect(checkTemplates(templates, config)).toEqual([]);
  }
});
