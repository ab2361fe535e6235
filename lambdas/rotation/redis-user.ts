import { setTimeout as delay } from "node:timers/promises";
import {
  DescribeUsersCommand,
  type ElastiCacheClient,
  InvalidUserStateFault,
  ModifyUserCommand,
} from "@aws-sdk/client-elasticache";
import { requestSignal } from "../../kernel/aws/bounded-requests.ts";

/** Longest wait until ElastiCache has carried a change to every node, in ms: below the function's timeout. */
const APPLY_MS = 10 * 60_000;

interface RedisUserOptions {
  /** Pause between two questions whether the user is active, in ms. */
  readonly pollMs: number;
  /** @default 10 minutes */
  readonly applyMs?: number | undefined;
}

/** A user of ElastiCache, which may have two passwords at a time. */
export class RedisUser {
  readonly #client: ElastiCacheClient;
  readonly #id: string;
  readonly #pollMs: number;
  readonly #applyMs: number;

  constructor(client: ElastiCacheClient, id: string, { pollMs, applyMs = APPLY_MS }: RedisUserOptions) {
    this.#client = client;
    this.#id = id;
    this.#pollMs = pollMs;
    this.#applyMs = applyMs;
  }

  /**
   * Gives the user these passwords, in place of those that it has, and resolves once every node knows them.
   *
   * @throws Error where the user does not become active in time.
   */
  async setPasswords(passwords: readonly [string, string]): Promise<void> {
    const deadline = performance.now() + this.#applyMs;
    await this.#until(deadline, async () => (await this.#isActive()) && (await this.#modify(passwords)));
    await this.#until(deadline, () => this.#isActive());
  }

  /** Returns false where another change was quicker: the user is not active any more. */
  async #modify(passwords: readonly string[]): Promise<boolean> {
    try {
      const AuthenticationMode = { Type: "password" as const, Passwords: [...passwords] };
      const command = new ModifyUserCommand({ UserId: this.#id, AuthenticationMode });
      await this.#client.send(command, requestSignal());
      return true;
    } catch (error) {
      if (error instanceof InvalidUserStateFault) return false;
      throw error;
    }
  }

  async #isActive(): Promise<boolean> {
    const { Users } = await this.#client.send(new DescribeUsersCommand({ UserId: this.#id }), requestSignal());
    return Users?.[0]?.Status === "active";
  }

  async #until(deadline: number, condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) {
      if (performance.now() > deadline) {
        throw new Error(`user ${this.#id} did not become active within ${this.#applyMs} ms: rotate again later`);
      }
      await delay(this.#pollMs);
    }
  }
}
