import { createRequire } from "node:module";
import { App, CfnResource, Stack } from "aws-cdk-lib";
import { AwsSolutionsChecks, type IApplyRule } from "cdk-nag";
import * as z from "zod";

/** Number of rules of each validator. */
export interface RuleCounts {
  /** Rules of cdk-nag's AwsSolutions pack. Each is applied to each resource. */
  readonly nag: number;
  /** Rules of AWS's template validator inside aws-cdk-lib, and resource types of which it has the schema. */
  readonly cloudFormation: number;
  readonly schemas: number;
}

/** The pack itself, with a note of every rule that it applies. */
class CountedChecks extends AwsSolutionsChecks {
  readonly rules = new Set<string>();

  protected override applyRule(params: IApplyRule): void {
    this.rules.add(params.ruleSuffixOverride ?? params.rule.name);
    super.applyRule(params);
  }
}

function countNagRules(): number {
  const app = new App();
  new CfnResource(new Stack(app, "Stack"), "Any", { type: "AWS::SQS::Queue" });
  const checks = new CountedChecks(app);
  checks.validateScope(app);
  return checks.rules.size;
}

interface Engine {
  listRules(): readonly unknown[];
}

interface Schemas {
  schemaCount(): number;
}

/** Its own types are out of reach: it is installed below aws-cdk-lib. */
const validatorSchema = z.object({
  RegoEngine: z.custom<new () => Engine>((value) => typeof value === "function"),
  SchemaValidator: z.custom<new () => Schemas>((value) => typeof value === "function"),
});

/** Asks the validators themselves. */
export function countRules(): RuleCounts {
  // A dependency of aws-cdk-lib's own, which only it can load.
  const load = createRequire(createRequire(import.meta.url).resolve("aws-cdk-lib"));
  const { RegoEngine, SchemaValidator } = validatorSchema.parse(load("@aws/cloudformation-validate"));
  return {
    nag: countNagRules(),
    cloudFormation: new RegoEngine().listRules().length,
    schemas: new SchemaValidator().schemaCount(),
  };
}
