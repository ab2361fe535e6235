import { App } from "aws-cdk-lib";
import { RewardsStack } from "../lib/rewards-stack";

// The environment of the real-time platform: its stacks must be deployed in the same account and region.
new RewardsStack(new App(), "Rewards", { realtimeEnvironment: "prod" });
