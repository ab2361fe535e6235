import { Redis } from "ioredis";

/** Counts the bytes that a Redis writes to all its connections: messages to servers, answers to publishers. */
export class RedisOutput {
  readonly #redis: Redis;
  #start = 0;

  constructor(port: number) {
    this.#redis = new Redis(port, "127.0.0.1");
  }

  /** Counts from zero. */
  async begin(): Promise<void> {
    const { bytes, answerBytes } = await this.#read();
    this.#start = bytes + answerBytes;
  }

  /** Resolves with the bytes since `begin`, without those of its own questions. */
  async end(): Promise<number> {
    return (await this.#read()).bytes - this.#start;
  }

  close(): void {
    this.#redis.disconnect();
  }

  async #read() {
    const answer = await this.#redis.info("stats");
    return {
      bytes: Number(/total_net_output_bytes:(\d+)/.exec(answer)?.[1]),
      answerBytes: Buffer.byteLength(answer),
    };
  }
}
