import { Logger } from "@aws-lambda-powertools/logger";
import { createTokenVerifier } from "../../../kernel/auth/token-verifier.ts";
import { authEnvironment, parseEnvironment } from "../../../kernel/env.ts";
import { createAuthorizer } from "./authorizer.ts";

const logger = new Logger({ serviceName: "managed-edge-authorizer" });
const config = parseEnvironment(authEnvironment, process.env);

export const handler = createAuthorizer(createTokenVerifier(config), (code) =>
  logger.info("connection refused", { code }),
);
