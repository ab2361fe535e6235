import { Aws, CfnCondition, Fn, Token } from "aws-cdk-lib";
import { CfnPolicy, Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { ABSENT } from "./platform-parameters.ts";
import type { HintQueue } from "./publisher-platform.ts";

export interface OptionalHintQueueProps {
  readonly queueUrl: string;
  readonly queueArn: string;
}

/**
 * A queue of which only the deploy finds out whether it exists: without one CloudFormation omits the variable and the
 * policy. So a publisher needs no change, only a deploy, when its environment gets a managed edge.
 */
export class OptionalHintQueue extends Construct implements HintQueue {
  readonly queueUrl: string;
  readonly #queueArn: string;
  readonly #exists: CfnCondition;

  constructor(scope: Construct, id: string, { queueUrl, queueArn }: OptionalHintQueueProps) {
    super(scope, id);
    this.#queueArn = queueArn;
    this.#exists = new CfnCondition(this, "Exists", {
      expression: Fn.conditionNot(Fn.conditionEquals(queueArn, ABSENT)),
    });
    this.queueUrl = Token.asString(Fn.conditionIf(this.#exists.logicalId, queueUrl, Aws.NO_VALUE));
  }

  grantSendMessages(grantee: IFunction): void {
    const policy = new Policy(grantee, "SendHints", {
      statements: [new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [this.#queueArn] })],
    });
    grantee.role?.attachInlinePolicy(policy);
    const resource = policy.node.defaultChild;
    if (resource instanceof CfnPolicy) resource.cfnOptions.condition = this.#exists;
  }
}
