import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/**
 * Accepts findings of cdk-nag on a construct and its children, each with the reason why it cannot or need not be fixed.
 * Name a finding in full (`AwsSolutions-IAM5[Resource::*]`) where the rule has findings.
 */
export function acknowledge(scope: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [rule, reason] of Object.entries(reasons)) {
    Validations.of(scope).acknowledge({ id: `AwsSolutions::${rule}`, reason });
  }
}
