import type { RawResource, Template } from "../template-model/resolve.ts";

/** The parts of the system that mutations are counted by. */
export const areas = [
  "network",
  "cache",
  "rotation",
  "gateway",
  "cloudfront and tls",
  "publishers",
  "managed edge",
  "auth",
  "alarms",
] as const;

export type Area = (typeof areas)[number];

/** A template that can be changed. */
// biome-ignore lint/suspicious/noExplicitAny: a mutation writes into properties of any type
export type Properties = any;

export interface Draft extends RawResource {
  Type: string;
  Properties: Properties;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
  UpdatePolicy?: unknown;
}

export type Drafts = Record<string, Omit<Template, "Resources"> & { Resources: Record<string, Draft> }>;

/** A deliberate mistake in the templates of an environment. */
export interface Mutation {
  readonly area: Area;
  readonly name: string;
  /** The environment whose templates it changes, of `environments.ts`. */
  readonly environment: string;
  /** Changes the templates in place. */
  readonly apply: (templates: Drafts) => void;
}

/** Returns the resources of a type whose logical id matches, with their stack and id. */
export function find(
  templates: Drafts,
  type: string,
  id: RegExp = /./,
): { stack: string; id: string; resource: Draft }[] {
  const found = Object.entries(templates).flatMap(([stack, { Resources }]) =>
    Object.entries(Resources)
      .filter(([logicalId, { Type }]) => Type === type && id.test(logicalId))
      .map(([logicalId, resource]) => ({ stack, id: logicalId, resource })),
  );
  if (found.length === 0) throw new Error(`there is no ${type} that matches ${id}`);
  return found;
}

function first(templates: Drafts, type: string, id?: RegExp): Draft {
  const [found] = find(templates, type, id);
  if (!found) throw new Error(`there is no ${type}`);
  return found.resource;
}

/** Returns the properties of the first resource of a type. */
export const propertiesOf = (templates: Drafts, type: string, id?: RegExp): Properties =>
  first(templates, type, id).Properties;

const steps = (path: string): string[] => path.split(".");

function holderOf(properties: Properties, path: string): { holder: Properties; key: string } {
  const keys = steps(path);
  const key = keys.pop() ?? "";
  let holder = properties;
  for (const step of keys) {
    if (holder?.[step] === undefined) throw new Error(`there is no ${path}`);
    holder = holder[step];
  }
  return { holder, key };
}

type Change = Mutation["apply"];

/** Sets a property of the first resource of a type; `:` begins the pattern of its logical id. */
export const set =
  (what: string, path: string, value: unknown): Change =>
  (templates) => {
    const [type, id] = target(what);
    const { holder, key } = holderOf(propertiesOf(templates, type, id), path);
    holder[key] = typeof value === "function" ? value(holder[key], templates) : value;
  };

/** Removes a property. */
export const drop =
  (what: string, path: string): Change =>
  (templates) => {
    const [type, id] = target(what);
    const { holder, key } = holderOf(propertiesOf(templates, type, id), path);
    if (holder[key] === undefined) throw new Error(`there is no ${path}`);
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  };

/** Removes the first resource of a type. */
export const remove =
  (what: string): Change =>
  (templates) => {
    const [type, id] = target(what);
    const [found] = find(templates, type, id);
    if (found) delete templates[found.stack]?.Resources[found.id];
  };

/** Changes the resource itself: its policies and dependencies. */
export const change =
  (what: string, edit: (resource: Draft) => void): Change =>
  (templates) => {
    const [type, id] = target(what);
    edit(first(templates, type, id));
  };

/** Sets an attribute of a list of `{ Key, Value }` or `{ Name, Value }`. */
export const setIn =
  (what: string, path: string, name: string, value: unknown): Change =>
  (templates) => {
    const [type, id] = target(what);
    const { holder, key } = holderOf(propertiesOf(templates, type, id), path);
    const item = holder[key].find((entry: { Key?: string; Name?: string }) => (entry.Key ?? entry.Name) === name);
    if (!item) throw new Error(`there is no ${name} in ${path}`);
    if (value === undefined) holder[key] = holder[key].filter((entry: unknown) => entry !== item);
    else item.Value = typeof value === "function" ? value(item.Value, templates) : value;
  };

function target(what: string): [string, RegExp] {
  const [, type = "", id = "."] = /^(.+?)(?:\/(.+))?$/.exec(what) ?? [];
  return [`AWS::${type}`, new RegExp(id)];
}

/** Returns a function that makes mutations of one area and environment. */
export const mutationsOf =
  (area: Area, environment: string) =>
  (list: Readonly<Record<string, Change>>): Mutation[] =>
    Object.entries(list).map(([name, apply]) => ({ area, environment, name, apply }));
