import { Logger } from "@aws-lambda-powertools/logger";
import { authEnvironment, parseEnvironment } from "../../contract/server/env.ts";
import { createTokenVerifier } from "../../contract/server/token-verifier.ts";
import { createAuthorizer } from "./authorizer.ts";

const logger = new Logger({ serviceName: "managed-edge-authorizer" });
const config = parseEnvironment(authEnvironment, process.env);

export const handler = createAuthorizer(createTokenVerifier(config), (code) =>
  logger.info("connection refused", { code }),
);
