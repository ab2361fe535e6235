import pTimeout from "p-timeout";
import * as z from "zod";
import { messageOf } from "../../kernel/as-error.ts";
import { type ConnectOptions, connectSocketIo, type SmokeConnection, SmokeError } from "./connection.ts";
import { type EventSourceOptions, putEvent } from "./event-source.ts";
import { connectManagedEdge } from "./managed-edge-connection.ts";
import { createTestEvent, type TestEvent } from "./test-event.ts";

export interface SmokeTestOptions extends ConnectOptions {
  /** The bus to put the event on; undefined publishes no event. */
  readonly events: EventSourceOptions | undefined;
}

/** A step and its outcome. */
export interface SmokeStep {
  readonly name: "connect" | "subscribe" | "publish" | "receive";
  readonly outcome: "ok" | "failed" | "skipped";
  readonly detail: string;
  /** The duration; absent if the step was skipped. */
  readonly milliseconds?: number;
}

const arrived = z.looseObject({ id: z.string(), data: z.looseObject({ id: z.string() }) });

/** Collects the messages of a connection from the start, so that an early one is not missed. */
class Inbox {
  readonly #messages: z.infer<typeof arrived>[] = [];
  #listener: () => void = () => undefined;

  constructor(connection: SmokeConnection) {
    connection.onData((message) => {
      const parsed = arrived.safeParse(message);
      if (parsed.success) this.#messages.push(parsed.data);
      this.#listener();
    });
  }

  /** Resolves with the message's id in its stream. */
  async waitFor(eventId: string, timeoutMs: number): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#listener = () => {
      const message = this.#messages.find(({ data }) => data.id === eventId);
      if (message) resolve(message.id);
    };
    this.#listener();
    const message = new SmokeError(`did not arrive within ${timeoutMs / 1_000} s`);
    return pTimeout(promise, { milliseconds: timeoutMs, message });
  }
}

const round = (milliseconds: number): number => Math.round(milliseconds);

/** Runs steps one after the other, and skips the rest after a failed one. */
class Steps {
  readonly results: SmokeStep[] = [];

  async run<T>(name: SmokeStep["name"], step: () => Promise<{ value: T; detail: string }>): Promise<T | undefined> {
    if (this.results.some(({ outcome }) => outcome === "failed")) {
      this.skip(name, "a previous step failed");
      return undefined;
    }
    const begun = performance.now();
    try {
      const { value, detail } = await step();
      this.results.push({ name, outcome: "ok", detail, milliseconds: round(performance.now() - begun) });
      return value;
    } catch (error) {
      const detail = messageOf(error);
      this.results.push({ name, outcome: "failed", detail, milliseconds: round(performance.now() - begun) });
      return undefined;
    }
  }

  skip(name: SmokeStep["name"], detail: string): void {
    this.results.push({ name, outcome: "skipped", detail });
  }
}

async function publishAndReceive(
  steps: Steps,
  { event, inbox, options }: { event: TestEvent; inbox: Inbox | undefined; options: SmokeTestOptions },
): Promise<void> {
  const { events, timeoutMs } = options;
  if (!events) {
    for (const name of ["publish", "receive"] as const) steps.skip(name, "no --bus and no --events-endpoint given");
    return;
  }
  await steps.run("publish", async () => {
    await putEvent(event, { ...events, timeoutMs });
    return { value: undefined, detail: `${event.detailType} on ${events.bus ?? "the local bus"}` };
  });
  await steps.run("receive", async () => {
    const id = await inbox?.waitFor(event.id, timeoutMs);
    return { value: undefined, detail: `arrived as ${id}` };
  });
}

/** Connects, subscribes, publishes one event and waits for it, as far as the options allow. Never throws. */
export async function runSmokeTest(options: SmokeTestOptions): Promise<readonly SmokeStep[]> {
  const steps = new Steps();
  const connection = await steps.run("connect", async () => {
    const connect = /^wss?:$/.test(options.url.protocol) ? connectManagedEdge : connectSocketIo;
    const value = await connect(options);
    return { value, detail: `${value.how}, ${options.token === undefined ? "anonymously" : "with a token"}` };
  });
  const inbox = connection && new Inbox(connection);
  try {
    const event = await steps.run("subscribe", async () => {
      const value = createTestEvent(options.token);
      await connection?.ask("subscribe", value.subscription);
      return { value, detail: value.subscription.channel };
    });
    await publishAndReceive(steps, { event: event ?? createTestEvent(undefined), inbox, options });
    return steps.results;
  } finally {
    connection?.close();
  }
}
