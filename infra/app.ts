import { App } from "aws-cdk-lib";
import { ConfigurationError } from "../kernel/env.ts";
import { parseConfig } from "./config/config.ts";
import { createSystem } from "./system.ts";

const app = new App();
try {
  createSystem(app, parseConfig(app.node.tryGetContext("environment"), app.node.tryGetContext("environments")));
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  // Immediately: otherwise an app without stacks would be synthesised.
  process.exit(1);
}
