import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // An optional peer that is not installed, which Vite would replace by a module that throws.
  resolve: { alias: { "react-native": join(import.meta.dirname, "test/support/react-native.ts") } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // Tests start real processes: a limit is there to end what hangs, not to measure.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    maxWorkers: 2,
    coverage: {
      provider: "v8",
      include: ["{contract,kernel,publisher,gateway,lambdas,client,infra}/**/*.{ts,tsx}"],
      exclude: ["**/*.handler.ts", "**/build.ts", "**/main.ts"],
      reporter: ["text-summary", "html"],
    },
    reporters: ["default", "./test/support/summary-reporter.ts"],
  },
});
