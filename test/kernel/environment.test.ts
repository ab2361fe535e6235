import { describe, expect, it } from "vitest";
import { type ConfigurationError, parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher, connectReader, credentialsOf } from "../../kernel/redis/redis.ts";
import { freePort } from "../../local/free-port.ts";

const parse = (variables: Readonly<Record<string, string>>) => parseEnvironment(redisEnvironment, variables);

/** Returns the message of the error. */
function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as ConfigurationError).message;
  }
  throw new Error("it did not fail");
}

describe("the variables of Redis", () => {
  it.each(["redis://h", "redis://h:6379", "redis://h:6379/", "rediss://user:password@h:6379/0"])(
    "take the URL %s",
    (url) => {
      expect(parse({ RT_REDIS_URL: url }).RT_REDIS_URL).toBe(url);
    },
  );

  it.each(["redis://h/1", "redis://h:6379/01", "redis://h?db=1", "redis://h/0?family=6", "redis://h#one"])(
    "refuse %s, of which a part would be ignored",
    (url) => {
      expect(errorOf(() => parse({ RT_REDIS_URL: url }))).toMatch(/RT_REDIS_URL: must end after the port/);
    },
  );

  it.each(["h:6379", "", "https://h"])("refuse %j, which is no URL of Redis", (url) => {
    const text = "invalid environment:\n  RT_REDIS_URL: must be redis://host:port or rediss://host:port";
    expect(errorOf(() => parse({ RT_REDIS_URL: url }))).toContain(text);
  });

  it("say whether it is a cluster, by true or false alone", () => {
    const clusterOf = (text: string) => parse({ RT_REDIS_URL: "redis://h", RT_REDIS_CLUSTER: text }).RT_REDIS_CLUSTER;
    expect([clusterOf("true"), clusterOf("false"), parse({ RT_REDIS_URL: "redis://h" }).RT_REDIS_CLUSTER]).toEqual([
      true,
      false,
      false,
    ]);
    expect(errorOf(() => clusterOf("1"))).toContain("RT_REDIS_CLUSTER: ");
  });
});

describe("the credentials for Redis", () => {
  const of = (url: string, more: Readonly<Record<string, string>> = {}) =>
    credentialsOf(parse({ RT_REDIS_URL: url, ...more }));

  it("come from their variables or from the URL", () => {
    expect(of("redis://h")).toEqual({ username: undefined, password: undefined });
    expect(of("redis://a%40b:p%25@h")).toEqual({ username: "a@b", password: "p%" });
    const own = { RT_REDIS_USERNAME: "a", RT_REDIS_PASSWORD: "p" };
    expect(of("redis://h", own)).toEqual({ username: "a", password: "p" });
    expect(of("redis://a:p@h", own)).toEqual({ username: "a", password: "p" });
  });

  it("are refused where the two differ, or the URL is not encoded, without a word of them", () => {
    const differing = errorOf(() => of("redis://a:secret@h", { RT_REDIS_PASSWORD: "other" }));
    expect(differing).toBe("RT_REDIS_PASSWORD differs from the one in RT_REDIS_URL; remove one of the two");
    expect(errorOf(() => of("redis://b@h", { RT_REDIS_USERNAME: "a" }))).toMatch(/^RT_REDIS_USERNAME differs/);
    expect(errorOf(() => of("redis://a:secret%@h"))).toMatch(/percent-encoded/);
  });
});

describe("a connection to Redis", () => {
  it("of a publisher is opened with its first command", async () => {
    const connection = connectPublisher(parse({ RT_REDIS_URL: "redis://127.0.0.1:1" }), () => undefined);
    expect(connection.status).toBe("wait");
    connection.disconnect();
  });

  it("reports that it failed", async () => {
    const errors: Error[] = [];
    const url = `redis://127.0.0.1:${await freePort()}`;
    const connection = connectReader(parse({ RT_REDIS_URL: url }), (error) => errors.push(error));
    await expect.poll(() => errors[0]).toMatchObject({ code: "ECONNREFUSED" });
    connection.disconnect();
  });
});
