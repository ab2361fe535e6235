import type { EnvironmentConfig } from "../../infra/config/config.ts";
import type { CodeFacts } from "./code-facts.ts";
import { type RawResource, Resolver, type Templates } from "./resolve.ts";

/** A resource of any stack, with every reference in its properties resolved. */
export interface Resource {
  /** `<stack>/<logical id>`, as in resolved references. */
  readonly name: string;
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties differ by type, and the shapes check them
  readonly properties: any;
  readonly dependsOn: readonly string[];
  readonly raw: RawResource;
}

/** Something that is wrong with the templates. */
export interface Finding {
  /** The resource, or the stack. */
  readonly resource: string;
  readonly problem: string;
}

const REFERENCE = /\$\{([\w-]+\/\w+)(?:\.([\w.]+))?\}/g;

/** The resources of an environment as a graph: nodes are resources, edges the references in their properties. */
export class Model {
  readonly resources: readonly Resource[];
  readonly dangling: readonly Finding[];
  /** What the configuration asks for. */
  readonly config: EnvironmentConfig;
  readonly code: CodeFacts;
  readonly #byName: ReadonlyMap<string, Resource>;
  readonly #byType = new Map<string, Resource[]>();

  constructor(templates: Templates, config: EnvironmentConfig, code: CodeFacts) {
    const dangling: Finding[] = [];
    const resolver = new Resolver(templates, (resource, name) =>
      dangling.push({ resource, problem: `refers to ${name}, which does not exist` }),
    );
    this.resources = Object.entries(templates).flatMap(([stack, { Resources = {} }]) =>
      Object.entries(Resources).map(([logicalId, raw]) => {
        const dependsOn = [raw.DependsOn ?? []].flat();
        for (const id of dependsOn) {
          if (!Object.hasOwn(Resources, id)) dangling.push({ resource: stack, problem: `depends on ${id}` });
        }
        const properties = resolver.resolve(stack, raw.Properties ?? {});
        return { name: `${stack}/${logicalId}`, stack, logicalId, type: raw.Type, properties, dependsOn, raw };
      }),
    );
    this.dangling = dangling;
    this.config = config;
    this.code = code;
    this.#byName = new Map(this.resources.map((resource) => [resource.name, resource]));
    for (const resource of this.resources) {
      const same = this.#byType.get(resource.type) ?? [];
      this.#byType.set(resource.type, [...same, resource]);
    }
  }

  ofType(type: string): readonly Resource[] {
    return this.#byType.get(type) ?? [];
  }

  /** Returns the resource that a value refers to, and nothing else is in: a Ref or a GetAtt of that attribute. */
  target(value: unknown, type: string, attribute?: string): Resource | undefined {
    const [, name = "", found] = /^\$\{([\w-]+\/\w+)(?:\.([\w.]+))?\}$/.exec(String(value)) ?? [];
    const resource = this.#byName.get(name);
    return resource?.type === type && found === attribute ? resource : undefined;
  }

  /** Returns every resource that a value refers to anywhere in it. */
  references(value: unknown): readonly Resource[] {
    return [...JSON.stringify(value ?? null).matchAll(REFERENCE)].flatMap(([, name = ""]) => {
      const resource = this.#byName.get(name);
      return resource ? [resource] : [];
    });
  }
}

/** Returns the text of a reference to a resource, as resolved values have it. */
export const referenceTo = ({ name }: Resource, attribute?: string): string =>
  attribute ? `\${${name}.${attribute}}` : `\${${name}}`;

/** A rule: returns what is wrong with a model. */
export type Rule = (model: Model) => Finding[];

/** Returns a finding for each check that does not hold. */
export const failed = (resource: Pick<Resource, "name">, checks: Readonly<Record<string, unknown>>): Finding[] =>
  Object.entries(checks)
    .filter(([, holds]) => !holds)
    .map(([problem]) => ({ resource: resource.name, problem }));
