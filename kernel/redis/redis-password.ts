import { Cluster, type Redis } from "ioredis";
import { asError } from "../as-error.ts";
import { isPasswordRefused } from "./error-texts.ts";
import { readRedisPassword } from "./redis-secret.ts";

/**
 * Age at which a password is read again, in ms. A rotation keeps the old password valid until the next rotation, hours
 * later at the earliest, so that several reads may fail.
 */
const REFRESH_MS = 5 * 60_000;

/** Shortest time between two reads because of refused passwords, in ms: a wrong secret must not be read in a loop. */
const REFUSED_PAUSE_MS = 1_000;

/** Where the password comes from: a secret, or its value. The secret wins. */
interface PasswordSource {
  readonly RT_REDIS_SECRET_ARN?: string | undefined;
  readonly RT_REDIS_PASSWORD?: string | undefined;
}

interface RedisPasswordOptions {
  /** Called where the secret cannot be read again; the password then stays as it is. */
  readonly onError: (error: Error) => void;
  /**
   * Age at which the password is read again, in ms.
   *
   * @default 5 minutes
   */
  readonly refreshMs?: number | undefined;
}

/**
 * The password of Redis, kept up to date while its secret is rotated. Redis asks for it only where a connection opens:
 * connections that are open stay open, and those that {@link RedisPassword.follow} was called for open the next ones with
 * the newest password.
 */
export class RedisPassword {
  readonly #secretArn: string | undefined;
  readonly #onError: (error: Error) => void;
  readonly #refreshMs: number;
  readonly #clients = new Set<Redis | Cluster>();
  #value: string | undefined;
  // By the wall clock: that of the process may stand still while Lambda has frozen it.
  #readAt = Date.now();
  #refusedAt = 0;
  #reading: Promise<void> | undefined;

  /**
   * Reads the password.
   *
   * @throws RedisSecretError where the secret cannot be read.
   */
  static async open(source: PasswordSource, options: RedisPasswordOptions): Promise<RedisPassword> {
    const value = await readRedisPassword(source.RT_REDIS_SECRET_ARN);
    return new RedisPassword({ ...source, RT_REDIS_PASSWORD: value ?? source.RT_REDIS_PASSWORD }, options);
  }

  private constructor(source: PasswordSource, { onError, refreshMs = REFRESH_MS }: RedisPasswordOptions) {
    this.#secretArn = source.RT_REDIS_SECRET_ARN;
    this.#value = source.RT_REDIS_PASSWORD;
    this.#onError = onError;
    this.#refreshMs = refreshMs;
  }

  get value(): string | undefined {
    return this.#value;
  }

  /** Gives the client's future connections the newest password, and reads the secret again where Redis refuses it. */
  follow<C extends Redis | Cluster>(client: C): C {
    if (this.#secretArn === undefined) return client;
    this.#clients.add(client);
    client.on("error", this.#learn);
    if (client instanceof Cluster) {
      client.on("node error", this.#learn);
      // A connection to a node is made with the options of the cluster's start, and opened after this event.
      client.on("+node", (node: Redis) => this.#give(node));
    }
    return client;
  }

  /** Reads the secret again if the last time was minutes ago. Never rejects. Does nothing without a secret. */
  async refreshIfOld(): Promise<void> {
    if (Math.abs(Date.now() - this.#readAt) >= this.#refreshMs) await this.#read();
  }

  /** Reads the secret again every few minutes, for the life of the process. */
  keepFresh(): void {
    setInterval(() => void this.#read(), this.#refreshMs).unref();
  }

  /**
   * Runs a call that may be repeated, after {@link RedisPassword.refreshIfOld}; once more where it fails, Redis has refused
   * the password and the secret turns out to have a new one.
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    await this.refreshIfOld();
    const used = this.#value;
    try {
      return await call();
    } catch (error) {
      await this.#reading;
      if (this.#value === used) throw error;
      return call();
    }
  }

  readonly #learn = (error: unknown): void => {
    if (!isPasswordRefused(error) || Date.now() - this.#refusedAt < REFUSED_PAUSE_MS) return;
    this.#refusedAt = Date.now();
    void this.#read();
  };

  /** Reads the secret, once at a time. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    // Also where it fails: the next read is not sooner, so that a silent Secrets Manager holds up few calls.
    this.#readAt = Date.now();
    if (this.#secretArn === undefined) return;
    try {
      this.#value = await readRedisPassword(this.#secretArn);
      for (const client of this.#clients) this.#give(...(client instanceof Cluster ? client.nodes("all") : [client]));
    } catch (error) {
      this.#onError(asError(error));
    }
  }

  #give(...connections: readonly Redis[]): void {
    for (const { options } of connections) if (this.#value !== undefined) options.password = this.#value;
  }
}
