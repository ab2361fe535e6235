import { type Finding, type Model, type Resource, referenceTo } from "../model.ts";

/** A statement of a policy. */
export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/** Returns true if a resource's policy refuses requests to it that do not use TLS, whoever they are from. */
export const refusesClearText = (statements: readonly Statement[], action: string, resource: string): boolean =>
  statements.some(
    ({ Effect, Action, Principal, Condition, Resource }) =>
      Effect === "Deny" &&
      Action === action &&
      (Principal === "*" || JSON.stringify(Principal) === '{"AWS":"*"}') &&
      asList(Resource).includes(resource) &&
      JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
  );

/** Returns what IAM takes alone or in a list, as a list. */
export const asList = (value: unknown): string[] => [value ?? []].flat().map(String);

/** Returns what a role's policies say, apart from AWS's own. */
export function statementsOf(model: Model, role: Resource): Statement[] {
  const attached = model
    .ofType("AWS::IAM::Policy")
    .filter(({ properties }) => properties.Roles?.includes(referenceTo(role)));
  const inline = role.properties.Policies ?? [];
  const documents = [
    ...attached.map(({ properties }) => properties.PolicyDocument),
    ...inline.map((policy: { PolicyDocument: unknown }) => policy.PolicyDocument),
  ];
  return documents.flatMap(({ Statement = [] }) => Statement);
}

/** Compares with the wildcards of IAM. */
function matches(pattern: string, value: string): boolean {
  const [first = "", ...rest] = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${[first, ...rest].join(".*")}$`).test(value);
}

const grants = ({ Effect, Action, Resource }: Statement, action: string, resource: string): boolean =>
  Effect === "Allow" &&
  asList(Action).some((pattern) => matches(pattern, action)) &&
  asList(Resource).some((pattern) => matches(pattern, resource));

/** Something that a role must be able to do. */
export interface Need {
  readonly action: string;
  readonly resource: string;
}

/** Returns true if that service, and nobody else, may assume a role. */
export const isTrusted = (role: Resource, service: string): boolean => {
  const statements: { Principal?: { Service?: string }; Effect?: string; Action?: string }[] =
    role.properties.AssumeRolePolicyDocument?.Statement ?? [];
  return (
    statements.length === 1 &&
    statements.every(
      ({ Principal, Effect, Action }) =>
        Effect === "Allow" && Action === "sts:AssumeRole" && Principal?.Service === service,
    )
  );
};

/** Returns a finding for each need that no statement grants. */
export const lacking = (resource: Resource, statements: readonly Statement[], needs: readonly Need[]): Finding[] =>
  needs
    .filter(({ action, resource: on }) => !statements.some((statement) => grants(statement, action, on)))
    .map(({ action, resource: on }) => ({ resource: resource.name, problem: `may not ${action} on ${on}` }));
