import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serverNames } from "../../bench/fan-out/servers/servers.ts";
import { shapeNames } from "../../bench/fan-out/shapes.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly resolved?: string }>>;
}

describe("the packages of the servers compared", () => {
  const { packages }: Lock = JSON.parse(read("bench/contenders/package-lock.json"));

  it("are locked without naming a registry", () => {
    expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it("are pinned to the versions that are locked", () => {
    const { dependencies } = JSON.parse(read("bench/contenders/package.json"));
    const locked = Object.keys(dependencies).map((name) => [name, packages[`node_modules/${name}`]?.version]);

    expect(Object.fromEntries(locked)).toEqual(dependencies);
  });

  it("use the ioredis that the gateway uses", () => {
    const own: Lock = JSON.parse(read("package-lock.json"));

    expect(packages["node_modules/ioredis"]?.version).toBe(own.packages["node_modules/ioredis"]?.version);
  });
});

describe("docs/performance.md", () => {
  it.each([...shapeNames, ...serverNames])("explains %s", (name) => {
    expect(read("docs/performance.md").split("<!-- fan-out-tables:begin -->")[0]).toContain(`\`${name}\``);
  });
});
