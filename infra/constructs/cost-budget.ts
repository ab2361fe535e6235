import { CfnBudget } from "aws-cdk-lib/aws-budgets";
import { Construct } from "constructs";

export interface CostBudgetProps {
  /** The limit on the account's bill of a month. */
  readonly monthlyUsd: number;
  /** The address that is told. */
  readonly email: string;
}

/**
 * Tells an address when the account's bill of a month reaches 80 % and 100 % of a limit, and when the forecast exceeds it.
 * Of the whole account: a filter by tag counts nothing until somebody activates the tag in the billing console.
 */
export class CostBudget extends Construct {
  constructor(scope: Construct, id: string, { monthlyUsd, email }: CostBudgetProps) {
    super(scope, id);
    const notify = (notificationType: "ACTUAL" | "FORECASTED", threshold: number) => ({
      notification: { notificationType, comparisonOperator: "GREATER_THAN", threshold, thresholdType: "PERCENTAGE" },
      subscribers: [{ subscriptionType: "EMAIL", address: email }],
    });
    new CfnBudget(this, "Monthly", {
      budget: { budgetType: "COST", timeUnit: "MONTHLY", budgetLimit: { amount: monthlyUsd, unit: "USD" } },
      notificationsWithSubscribers: [notify("ACTUAL", 80), notify("ACTUAL", 100), notify("FORECASTED", 100)],
    });
  }
}
