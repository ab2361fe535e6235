/** `npm run image:check`: builds and starts the gateway's image as far as this machine can, and says how far that was. */
import { parseArgs } from "node:util";
import picocolors from "picocolors";
import * as z from "zod";
import { checkImage, type ImageReport } from "./check-image.ts";

const USAGE = `usage: npm run image:check -- [--builder auto|buildah|folder] [--base IMAGE] [--build-option OPTION]… [--json]

  --builder       auto (the default) takes buildah where this user may use it, else a plain folder
  --base          a base image of this machine in place of the Dockerfile's own
  --build-option  passed on to buildah build, such as --volume=HOST:IMAGE:ro`;

const optionsSchema = z.object({
  builder: z.enum(["auto", "buildah", "folder"], "--builder must be auto, buildah or folder").default("auto"),
  base: z.string().optional(),
  "build-option": z.array(z.string()).default([]),
  json: z.boolean().default(false),
});

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        builder: { type: "string" },
        base: { type: "string" },
        "build-option": { type: "string", multiple: true },
        json: { type: "boolean" },
      },
    });
    return optionsSchema.parse(values);
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    console.error(`${picocolors.red(reason)}\n${USAGE}`);
    process.exit(2);
  }
}

const megabytes = (bytes: number | undefined): string => (bytes === undefined ? "-" : `${(bytes / 1e6).toFixed(1)} MB`);

function print({ how, buildSeconds, ownBytes, totalBytes, pingSeconds, clientHeard, exitCode }: ImageReport): void {
  const mark = picocolors.green("✔");
  console.log(`${mark} built and started: ${how}`);
  console.log(
    `${mark} build ${buildSeconds} s; our layer ${megabytes(ownBytes)}, with its base ${megabytes(totalBytes)}`,
  );
  console.log(`${mark} /healthz and /readyz answer; the gateway pings every ${pingSeconds} s`);
  console.log(
    `${exitCode === 0 ? mark : picocolors.red("✘")} SIGTERM: a client heard ${clientHeard.join(", ")}; exit code ${exitCode}`,
  );
}

const { builder, base, "build-option": options, json } = parseOptions();
try {
  const report = await checkImage({ builder, base, options, environment: process.env });
  if (json) console.log(JSON.stringify(report));
  else print(report);
  process.exitCode = report.exitCode === 0 ? 0 : 1;
} catch (error) {
  console.error(picocolors.red(error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
}
