import { channelDefinition } from "../../../contract/channels.ts";
import { domainNames, domains } from "../../../contract/domain-events.ts";
import { retryWindow } from "../../../infra/constructs/support/retry-window.ts";
import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import type { Statement } from "./policies.ts";
import { handlerOf } from "./programs.ts";

/** Returns what the policies of a queue allow, and whether they refuse requests without TLS. */
export const queueStatements = (model: Model, queue: Resource): Statement[] =>
  model
    .ofType("AWS::SQS::QueuePolicy")
    .filter(({ properties }) => properties.Queues?.includes(referenceTo(queue)))
    .flatMap(({ properties }) => properties.PolicyDocument?.Statement ?? []);

const domainOf = (model: Model, lambda: Resource) => domainNames.find((name) => name === handlerOf(model, lambda));

/** Returns the functions that publish the events of a domain. */
export const publishersOf = (model: Model): readonly Resource[] =>
  model.ofType("AWS::Lambda::Function").filter((lambda) => domainOf(model, lambda));

/** The queue that a publisher's own variable names. */
export const failuresOf = (model: Model, lambda: Resource | undefined): Resource | undefined =>
  model.target(lambda?.properties.Environment?.Variables?.RT_FAILURE_QUEUE_URL, "AWS::SQS::Queue");

/** The queue from which a publisher takes the events that it could not publish at first. */
export const retriesOf = (model: Model, lambda: Resource): Resource | undefined => queueReadBy(model, lambda);

function queueReadBy(model: Model, lambda: Resource): Resource | undefined {
  const [queue] = model
    .ofType("AWS::Lambda::EventSourceMapping")
    .filter(({ properties }) => properties.FunctionName === referenceTo(lambda))
    .flatMap(({ properties }) => model.target(properties.EventSourceArn, "AWS::SQS::Queue", "Arn") ?? []);
  return queue;
}

/** The queue of hints: the one that the managed edge's fan-out reads. */
export const hintsOf = (model: Model): Resource | undefined =>
  model
    .ofType("AWS::Lambda::Function")
    .filter((lambda) => handlerOf(model, lambda) === "fan-out")
    .flatMap((lambda) => queueReadBy(model, lambda) ?? [])[0];

/** Returns true if somebody may invoke a function: a permission of that principal, from that source. */
export const mayInvoke = (
  model: Model,
  { lambda, principal, source }: { lambda: Resource; principal: string; source: string },
): boolean =>
  model
    .ofType("AWS::Lambda::Permission")
    .some(
      ({ properties: p }) =>
        [referenceTo(lambda), referenceTo(lambda, "Arn")].includes(p.FunctionName) &&
        p.Principal === principal &&
        p.SourceArn === source,
    );

const same = (a: readonly unknown[] | undefined, b: readonly unknown[]): boolean =>
  JSON.stringify([...new Set(a ?? [])].toSorted()) === JSON.stringify([...new Set(b)].toSorted());

function ruleFindings(model: Model, rule: Resource): Finding[] {
  const [target, ...others] = rule.properties.Targets ?? [];
  const lambda = model.target(target?.Arn, "AWS::Lambda::Function", "Arn");
  const domain = lambda && domainOf(model, lambda);
  const events = domain ? domains[domain] : [];
  const failures = failuresOf(model, lambda);
  const pattern = rule.properties.EventPattern ?? {};
  const age = domain && retryWindow(events.map(({ channel }) => channel)).delivery.toSeconds();
  const letsRule =
    failures &&
    queueStatements(model, failures).some(
      ({ Effect, Action, Principal, Condition, Resource }) =>
        Effect === "Allow" &&
        Action === "sqs:SendMessage" &&
        JSON.stringify(Principal) === '{"Service":"events.amazonaws.com"}' &&
        JSON.stringify(Condition) === JSON.stringify({ ArnEquals: { "aws:SourceArn": referenceTo(rule, "Arn") } }) &&
        Resource === referenceTo(failures, "Arn"),
    );
  return failed(rule, {
    "is of another bus": model.target(rule.properties.EventBusName, "AWS::Events::EventBus"),
    "invokes no publisher, or several": domain && others.length === 0,
    "takes other events than its publisher's":
      same(
        pattern.source,
        events.map(({ source }) => source),
      ) &&
      same(
        pattern["detail-type"],
        events.map(({ detailType }) => detailType),
      ) &&
      Object.keys(pattern).length === 2,
    "may not invoke its function":
      lambda && mayInvoke(model, { lambda, principal: "events.amazonaws.com", source: referenceTo(rule, "Arn") }),
    "loses events that it cannot deliver": failures && target?.DeadLetterConfig?.Arn === referenceTo(failures, "Arn"),
    "may not write to its failure queue": letsRule,
    "delivers after the event ids are forgotten": target?.RetryPolicy?.MaximumEventAgeInSeconds <= (age ?? 0),
    "gives up at once":
      target?.RetryPolicy?.MaximumEventAgeInSeconds >= 60 && target?.RetryPolicy?.MaximumRetryAttempts >= 2,
  });
}

const rulesRule: Rule = (model) => [
  ...model.ofType("AWS::Events::Rule").flatMap((rule) => ruleFindings(model, rule)),
  ...publishersOf(model).flatMap((lambda) =>
    failed(lambda, {
      "is invoked by no rule": model
        .ofType("AWS::Events::Rule")
        .some(({ properties }) =>
          properties.Targets?.some(({ Arn }: { Arn: string }) => Arn === referenceTo(lambda, "Arn")),
        ),
      "has no failure queue": failuresOf(model, lambda),
      "shares its failure queue":
        publishersOf(model).filter((other) => failuresOf(model, other) === failuresOf(model, lambda)).length === 1,
    }),
  ),
];

/** The shortest time for which a channel of a domain knows the ids of events. */
const knownSeconds = (domain: (typeof domainNames)[number] | undefined): number =>
  Math.min(
    ...(domain ? domains[domain] : [])
      .map(({ channel }) => channelDefinition(channel).dedupeSeconds)
      .filter((seconds) => seconds > 0),
  );

/** What a publisher does with an event that it cannot publish. */
const invokeRule: Rule = (model) =>
  publishersOf(model).flatMap((lambda) => {
    const configs = model
      .ofType("AWS::Lambda::EventInvokeConfig")
      .filter(({ properties }) => properties.FunctionName === referenceTo(lambda));
    const [config] = configs;
    const failures = failuresOf(model, lambda);
    const retries = retriesOf(model, lambda);
    const domain = domainOf(model, lambda);
    const window = domain && retryWindow(domains[domain].map(({ channel }) => channel));
    return failed(lambda, {
      "has no limit on its retries, or two": configs.length === 1,
      "moves failed events elsewhere than to the queue that it retries from":
        retries && config?.properties.DestinationConfig?.OnFailure?.Destination === referenceTo(retries, "Arn"),
      "loses events whose retries are exhausted":
        failures && retries?.properties.RedrivePolicy?.deadLetterTargetArn === referenceTo(failures, "Arn"),
      "retries after the event ids are forgotten":
        window &&
        config?.properties.MaximumEventAgeInSeconds <= window.invocation.toSeconds() &&
        retries?.properties.RedrivePolicy?.maxReceiveCount <= window.retries,
      "retries for longer than the event ids are known":
        config?.properties.MaximumEventAgeInSeconds +
          retries?.properties.RedrivePolicy?.maxReceiveCount * retries?.properties.VisibilityTimeout <=
        knownSeconds(domain),
      "gives up long before the event ids are forgotten":
        window && retries?.properties.RedrivePolicy?.maxReceiveCount >= window.retries / 2,
      "has a timeout that its parts do not fit into":
        lambda.properties.Timeout >= 15 && lambda.properties.Timeout <= 30,
      "has too little memory, or pays for too much":
        lambda.properties.MemorySize >= 256 && lambda.properties.MemorySize <= 1_024,
      "names itself otherwise in its log": lambda.properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME === domain,
      "runs on another processor than it is built for": lambda.properties.Architectures?.[0] === "arm64",
      "has another concurrency than configured":
        lambda.properties.ReservedConcurrentExecutions === model.config.events.reservedConcurrency,
      "has another handler than its bundle": lambda.properties.Handler === "index.handler",
    });
  });

/** Publishers leave hints in the queue of the managed edge, if there is one. */
const hintRule: Rule = (model) =>
  publishersOf(model).flatMap((lambda) => {
    const url = lambda.properties.Environment?.Variables?.RT_EDGE_QUEUE_URL;
    const read = hintsOf(model);
    return failed(lambda, {
      "leaves its hints elsewhere than the fan-out reads them": read ? url === referenceTo(read) : url === undefined,
    });
  });

/** Other accounts put the events that a domain has, and only those that are configured. */
const busRule: Rule = (model) => {
  const { producerAccounts } = model.config.events;
  const policies = model.ofType("AWS::Events::EventBusPolicy");
  const sources = domainNames.flatMap((domain) => domains[domain].map(({ source }) => source));
  return [
    ...failed(
      { name: "event bus" },
      {
        "is open to other accounts than configured":
          policies.length === producerAccounts.length &&
          producerAccounts.every((account) =>
            policies.some(
              ({ properties }) =>
                /^arn:[\w${}:-]+:iam::(\d{12}):root$/.exec(properties.Statement?.Principal?.AWS)?.[1] === account,
            ),
          ),
        "has another name than producers use": model
          .ofType("AWS::Events::EventBus")
          .every(({ properties }) => properties.Name === `${model.config.name}-realtime`),
      },
    ),
    ...policies.flatMap((policy) => {
      const statement = policy.properties.Statement ?? {};
      return failed(policy, {
        "is of another bus": model.target(policy.properties.EventBusName, "AWS::Events::EventBus"),
        "allows more than to put events": statement.Action === "events:PutEvents" && statement.Effect === "Allow",
        "is for another bus": model.target(statement.Resource, "AWS::Events::EventBus", "Arn"),
        "allows events of any source": same(statement.Condition?.StringEquals?.["events:source"], sources),
      });
    }),
  ];
};

/** The bus keeps the events of every account that puts some, for as long as configured. */
const archiveRule: Rule = (model) => {
  const archives = model.ofType("AWS::Events::Archive");
  const { archiveDays, producerAccounts } = model.config.events;
  return [
    ...failed({ name: "archive" }, { "is not as configured": archives.length === (archiveDays > 0 ? 1 : 0) }),
    ...archives.flatMap((archive) =>
      failed(archive, {
        "is of another bus": model.target(archive.properties.SourceArn, "AWS::Events::EventBus", "Arn"),
        "keeps events for another time than configured": archive.properties.RetentionDays === archiveDays,
        "keeps other events than the bus gets": same(archive.properties.EventPattern?.account, [
          `\${AWS::AccountId}`,
          ...producerAccounts,
        ]),
      }),
    ),
  ];
};

/** The rules of domain events: bus → rule → function → failure queue. */
export const eventRules: readonly Rule[] = [rulesRule, invokeRule, hintRule, busRule, archiveRule];
