import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { startServiceEndpoint } from "./service-endpoint.ts";

/** A user of ElastiCache, and the rules of its access string. */
export interface CacheUser {
  readonly id: string;
  readonly name: string;
  readonly accessString: string;
}

const namespace = "http://elasticache.amazonaws.com/doc/2015-02-02/";

/** Longest that ElastiCache leaves a node without a change that others have, here; minutes in AWS. */
const PROPAGATION_MS = 30;

/**
 * The part of ElastiCache's API that changes passwords, over its real protocol, on real Redis nodes: `ModifyUser` sets the
 * passwords that it is given (one or two, of 16 to 128 characters) in place of the others, on one node after the other, and
 * the user is `modifying` meanwhile.
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyUser.html
 */
export class ElastiCacheUsers {
  readonly #nodes: readonly Redis[];
  readonly #users: ReadonlyMap<string, CacheUser>;
  readonly #modifying = new Set<string>();
  /** Called after each request is carried out and before it is answered. */
  afterRequest: (operation: string) => Promise<void> = () => Promise.resolve();
  /** The changes that are refused with `InvalidUserState` before the next one is accepted. */
  refusals = 0;

  /** @param nodes connections with the rights to change users, one to each node. */
  constructor(nodes: readonly Redis[], users: readonly CacheUser[]) {
    this.#nodes = nodes;
    this.#users = new Map(users.map((user) => [user.id, user]));
  }

  /** Sets a user's passwords on every node, as a deploy of the user does. */
  async setPasswords(id: string, passwords: readonly string[]): Promise<void> {
    for (const node of this.#nodes) await this.#setOn(node, id, passwords);
  }

  /** Starts the endpoint. `environment` points the AWS SDK to it. */
  async start(): Promise<{ readonly environment: Readonly<Record<string, string>>; stop(): void }> {
    const { url, stop } = await startServiceEndpoint(async (_request, body) => {
      const parameters = new URLSearchParams(body);
      const operation = parameters.get("Action") ?? "";
      const answer = this.#operate(operation, parameters);
      await this.afterRequest(operation);
      return { type: "text/xml", ...answer };
    });
    return { environment: { AWS_ENDPOINT_URL_ELASTICACHE: url }, stop };
  }

  #operate(operation: string, parameters: URLSearchParams): { readonly status: number; readonly body: string } {
    const id = parameters.get("UserId") ?? "";
    if (!this.#users.has(id)) return refuse("UserNotFound");
    if (operation === "DescribeUsers") {
      return accept(operation, `<Users><member>${this.#describe(id)}</member></Users>`);
    }
    if (operation !== "ModifyUser") throw new Error(`the local ElastiCache does not know ${operation}`);
    if (this.#modifying.has(id) || this.refusals > 0) {
      this.refusals = Math.max(0, this.refusals - 1);
      return refuse("InvalidUserState");
    }
    const passwords = [...parameters]
      .filter(([name]) => name.startsWith("AuthenticationMode.Passwords.member."))
      .map(([, value]) => value);
    const fit = passwords.every(({ length }) => length >= 16 && length <= 128);
    if (!fit || passwords.length < 1 || passwords.length > 2) return refuse("InvalidParameterValue");
    this.#modifying.add(id);
    void this.#propagate(id, passwords);
    return accept(operation, this.#describe(id));
  }

  #describe(id: string): string {
    const status = this.#modifying.has(id) ? "modifying" : "active";
    return `<UserId>${id}</UserId><UserName>${this.#users.get(id)?.name}</UserName><Status>${status}</Status>`;
  }

  async #propagate(id: string, passwords: readonly string[]): Promise<void> {
    for (const node of this.#nodes) {
      await delay(PROPAGATION_MS);
      await this.#setOn(node, id, passwords);
    }
    this.#modifying.delete(id);
  }

  async #setOn(node: Redis, id: string, passwords: readonly string[]): Promise<void> {
    const user = this.#users.get(id);
    if (!user) throw new Error(`no user ${id}`);
    const rules = [...passwords.map((password) => `>${password}`), ...user.accessString.split(" ")];
    await node.call("ACL", "SETUSER", user.name, "resetpass", ...rules);
  }
}

const accept = (operation: string, result: string) => ({
  status: 200,
  body: `<${operation}Response xmlns="${namespace}"><${operation}Result>${result}</${operation}Result></${operation}Response>`,
});

const refuse = (code: string) => ({
  status: 400,
  body: `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`,
});
