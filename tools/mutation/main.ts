/** `npm run mutation -- <room>`: changes the code of a room in one place after the other, and runs its tests each time. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import picocolors from "picocolors";
import * as z from "zod";
import { installPackages } from "../../local/install-packages.ts";
import { readCommandLine } from "../command-line.ts";
import { rooms } from "./rooms.ts";

const names = Object.keys(rooms);
const { words, share, mutate } = readCommandLine({
  usage: `npm run mutation -- <room> [options]

Rooms: ${names.join(", ")}

  --share <number>   take this share of the mutants, the same ones each time (default 1)
  --mutate <list>    only these files or lines: path, or path:first-last
  --help             show this text

It takes hours without --share. The report is in .cache/mutation.`,
  texts: ["share", "mutate"],
  schema: z.object({
    words: z.tuple([z.enum(names, `name one of ${names.join(", ")}`)], "name one room"),
    share: z.coerce.number().positive().max(1).default(1),
    mutate: z.string().optional(),
  }),
});
const folder = import.meta.dirname;
await installPackages(folder, "installing the mutation tester (once, about 100 MB)", (line) =>
  console.error(picocolors.dim(line)),
);
const command = join(folder, "node_modules/@stryker-mutator/core/bin/stryker.js");
const parameters = ["run", join(folder, "stryker.config.js"), ...(mutate === undefined ? [] : ["--mutate", mutate])];
const { status } = spawnSync(process.execPath, [command, ...parameters], {
  cwd: join(folder, "../.."),
  env: { ...process.env, MUTATION_ROOM: words[0], MUTATION_SHARE: String(share) },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
