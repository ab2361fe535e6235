/** A part of the code that is mutated, and the tests that decide about it. */
export interface MutatedRoom {
  readonly mutate: readonly string[];
  /**
   * Test files that run this code in their own process, the quick ones first: Stryker sees nothing of the processes that a
   * test starts.
   */
  readonly tests: readonly string[];
}

export const rooms: Readonly<Record<string, MutatedRoom>> = {
  kernel: {
    mutate: ["kernel/**/*.ts"],
    tests: [
      "test/kernel/protocol/answers.test.ts",
      "test/kernel/protocol/recovery.test.ts",
      "test/kernel/protocol/rooms.test.ts",
      "test/kernel/protocol/subscribe-plan.test.ts",
      "test/kernel/chunks.test.ts",
      "test/kernel/entry.test.ts",
      "test/kernel/edge-table.test.ts",
      "test/kernel/environment.test.ts",
      "test/kernel/token-verifier.test.ts",
      "test/contract/answers.test.ts",
      "test/kernel/versions.test.ts",
      "test/kernel/publisher.test.ts",
      "test/kernel/ids.test.ts",
      "test/kernel/entities.test.ts",
      "test/kernel/seen-events.test.ts",
      "test/kernel/frozen-streams.test.ts",
      "test/managed-edge/tokens.test.ts",
      "test/managed-edge/table.test.ts",
      "test/managed-edge/publishing.test.ts",
      "test/kernel/stream-operations.test.ts",
      "test/kernel/redis-gone.test.ts",
      "test/publisher/failed-chunk.test.ts",
      "test/publisher/silent-peers.test.ts",
      "test/kernel/slot-migration.test.ts",
    ],
  },
  publisher: {
    mutate: ["publisher/**/*.ts"],
    tests: [
      "test/publisher/publish-report.test.ts",
      "test/publisher/lazy-publisher.test.ts",
      "test/publisher/failed-chunk.test.ts",
      "test/publisher/fake.test.ts",
      "test/publisher/starting.test.ts",
      "test/publisher/behavior.test.ts",
      "test/publisher/ending.test.ts",
      "test/publisher/silent-peers.test.ts",
    ],
  },
  "gateway/streams": {
    mutate: ["gateway/streams/**/*.ts"],
    tests: [
      "test/gateway/streams.test.ts",
      "test/gateway/stream-checks.test.ts",
      "test/gateway/stream-state.test.ts",
      "test/gateway/stream-hub.test.ts",
      "test/gateway/live-turn.test.ts",
      "test/gateway/release.test.ts",
      "test/kernel/frozen-streams.test.ts",
    ],
  },
  "gateway/fan-out": {
    mutate: ["gateway/fan-out/**/*.ts"],
    tests: [
      "test/gateway/fan-out/backlog.test.ts",
      "test/gateway/fan-out/limits.test.ts",
      "test/gateway/fan-out/release.test.ts",
      "test/gateway/fan-out/pieces.test.ts",
      "test/gateway/fan-out/lanes.test.ts",
      "test/gateway/fan-out/fan-out.test.ts",
      "test/gateway/fan-out/failures.test.ts",
      "test/gateway/fan-out/compression.test.ts",
      "test/gateway/fan-out/slow-consumer.test.ts",
      "test/gateway/fan-out/counters.test.ts",
      "test/gateway/fan-out/rates.test.ts",
    ],
  },
  "client/core": {
    // Connections and transports are tested with real gateways, by tests that take too long to run for each mutant.
    mutate: ["client/core/{positions,requests,subscriptions,timing,tokens,topics}/**/*.ts"],
    tests: [
      "test/client/timing.test.ts",
      "test/client/stream-positions.test.ts",
      "test/client/shared-subscription.test.ts",
      "test/client/repairs.test.ts",
      "test/client/topics.test.ts",
      "test/client/release.test.ts",
      "test/client/token-function.test.ts",
      "test/client/ended.test.ts",
      "test/client/reset.test.ts",
    ],
  },
};
