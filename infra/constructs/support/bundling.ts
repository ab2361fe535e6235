import { type BundlingOptions, OutputFormat, SourceMapMode } from "aws-cdk-lib/aws-lambda-nodejs";

/** Lets CommonJS packages inside an ES module bundle call `require`. */
const REQUIRE =
  "import{createRequire as bundledCreateRequire}from'node:module';const require=bundledCreateRequire(import.meta.url);";

/** Bundles a function into one ES module. The AWS SDK stays outside: the runtime has it, and the bundle is smaller. */
export const bundling: BundlingOptions = {
  format: OutputFormat.ESM,
  target: "node24",
  minify: true,
  sourceMap: true,
  sourceMapMode: SourceMapMode.DEFAULT,
  // Sources are in the repository; a map that contains them is three times the size.
  sourcesContent: false,
  mainFields: ["module", "main"],
  externalModules: ["@aws-sdk/*", "@smithy/*"],
  banner: REQUIRE,
};
