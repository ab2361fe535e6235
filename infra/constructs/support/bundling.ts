import { join } from "node:path";
import { type BundlingOptions, OutputFormat, SourceMapMode } from "aws-cdk-lib/aws-lambda-nodejs";

/** The root of the repository. */
export const projectRoot = join(import.meta.dirname, "../..");

/** Lets CommonJS packages inside an ES module bundle call `require`. */
const REQUIRE =
  "import{createRequire as bundledCreateRequire}from'node:module';const require=bundledCreateRequire(import.meta.url);";

/** How a function becomes one file. The AWS SDK stays outside: the runtime has it, and a bundle is smaller without. */
export const bundling: BundlingOptions = {
  format: OutputFormat.ESM,
  target: "node24",
  minify: true,
  sourceMap: true,
  sourceMapMode: SourceMapMode.DEFAULT,
  // Sources are in the repository; with them a map is three times the size.
  sourcesContent: false,
  mainFields: ["module", "main"],
  externalModules: ["@aws-sdk/*", "@smithy/*"],
  banner: REQUIRE,
};
