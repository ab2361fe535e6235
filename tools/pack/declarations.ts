import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type PackageSource, root } from "./package-source.ts";

/** Makes the compiler print what the schemas infer: a package must not need the schemas' library for its types. */
const payloadSource = (folder: string): string => `
import type { Channel, Payload } from "${relative(folder, join(root, "contract/channels.ts"))}";
type Expand<T> = T extends infer O ? { [K in keyof O]: O[K] } : never;
declare function expand(): { [C in Channel]: Expand<Payload<C>> };
export const payloads = expand();
`;

const entrySource = (folder: string): string => `
import type { EventEntry } from "${relative(folder, join(root, "contract/event-entry.ts"))}";
type Expand<T> = T extends infer O ? { [K in keyof O]: O[K] } : never;
type ExpandEntry<E> = E extends EventEntry ? { [K in keyof E]: K extends "Detail" ? Expand<E[K]> : E[K] } : never;
declare function expand(): { [T in EventEntry["DetailType"]]: ExpandEntry<Extract<EventEntry, { DetailType: T }>> };
export const entries = expand();
`;

/** Takes the place of the declarations of contract/channels.ts. */
const channelDeclarations = (payloads: string): string => `/** The \`data\` of a message, by channel. */
export interface Payloads ${payloads}

export type Channel = keyof Payloads;

/** The \`data\` of a message on channel \`C\`. */
export type Payload<C extends Channel> = Payloads[C];
`;

/** Takes the place of the declarations of contract/event-entry.ts. */
const entryDeclarations = (entries: string): string => `/** A domain event as an entry of \`PutEvents\`, by its type. */
export interface EventEntries ${entries}

/** A domain event as an entry of \`PutEvents\`, its \`Detail\` before it becomes JSON text. */
export type EventEntry = EventEntries[keyof EventEntries];
`;

function runCompiler(folder: string, files: readonly string[]): void {
  const compilerOptions = {
    declaration: true,
    emitDeclarationOnly: true,
    noEmit: false,
    stripInternal: true,
    rootDir: root,
    outDir: folder,
  };
  const config = { extends: join(root, "tsconfig.json"), compilerOptions, files };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { stdio: "inherit" });
}

/** Returns the text of the type literal that the compiler printed for the constant of that name. */
function readLiteral(folder: string, name: string): string {
  const text = readFileSync(join(folder, relative(root, folder), `${name}.d.ts`), "utf8");
  const printed = new RegExp(`${name}: (\\{[\\s\\S]*\\});`).exec(text)?.[1];
  if (!printed || printed.includes("import("))
    throw new Error(`tsc did not print the types of ${name} in full:\n${text}`);
  return printed;
}

/** Replaces the declarations of a module of contract/. */
function replaceDeclarations(folder: string, module: string, declarations: string): void {
  const file = join(folder, "contract", `${module}.d.ts`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, declarations);
}

export interface Declarations {
  /** Mirrors the repository: `client/index.d.ts`. */
  readonly folder: string;
  remove(): void;
}

/** Compiles the entries of packages to declarations, with the payload types written out in place of their schemas. */
export function emitDeclarations(sources: readonly PackageSource[]): Declarations {
  // Inside the repository, so that tsc resolves the packages that the sources import.
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/declarations-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(join(folder, "payloads.ts"), payloadSource(folder));
    writeFileSync(join(folder, "entries.ts"), entrySource(folder));
    const entries = sources.flatMap((source) => Object.values(source.entries));
    const ambient = "client/react-native/react-native.d.ts";
    const printed = ["payloads.ts", "entries.ts"].map((file) => join(folder, file));
    runCompiler(folder, [...[...entries, ambient].map((file) => join(root, file)), ...printed]);
    replaceDeclarations(folder, "channels", channelDeclarations(readLiteral(folder, "payloads")));
    replaceDeclarations(folder, "event-entry", entryDeclarations(readLiteral(folder, "entries")));
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
