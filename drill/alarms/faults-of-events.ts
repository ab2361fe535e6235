import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import * as z from "zod";
import { SUBPROTOCOL } from "../../contract/endpoints.ts";
import { LambdaProcess } from "../../local/lambda-process.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
import { startManagedEdge } from "../../local/managed-edge/managed-edge.ts";
import type { Scene } from "./scene.ts";

const ROOT = join(import.meta.dirname, "../..");

const handler = (domain: string): string => join(ROOT, `lambdas/publishers/${domain}.handler.ts`);

const exampleSchema = z.object({
  Source: z.string(),
  DetailType: z.string(),
  Detail: z.record(z.string(), z.unknown()),
});

/** Returns an event of the bus: one of `contract/examples`, with changes to its detail. */
function eventFrom(example: string, change: Readonly<Record<string, unknown>>): object {
  const text = readFileSync(join(ROOT, `contract/examples/${example}.json`), "utf8");
  const { Source, DetailType, Detail } = exampleSchema.parse(JSON.parse(text));
  return {
    ...{ id: randomUUID(), source: Source, "detail-type": DetailType, time: new Date().toISOString() },
    detail: { ...Detail, ...change },
  };
}

/** Calls `act` regularly until the returned function is called. */
function repeat(everyMs: number, act: () => Promise<unknown>): () => Promise<void> {
  let isOver = false;
  const loop = async (): Promise<void> => {
    while (!isOver) {
      await act().catch(() => undefined);
      await delay(everyMs);
    }
  };
  const running = loop();
  return async () => {
    isOver = true;
    await running;
  };
}

/** An order without a user: no retry can help. */
export async function breakHandler({ lambdas }: Scene): Promise<() => Promise<void>> {
  await lambdas.invoke(handler("orders"), eventFrom("order-changed", { userId: undefined }));
  return async () => undefined;
}

/** A producer whose clock was set back: all of its prices are older than the one that is held. */
export async function freezeMarket({ lambdas, minuteMs }: Scene): Promise<() => Promise<void>> {
  const publish = (time: number) =>
    lambdas.invoke(handler("market-data"), eventFrom("price-changed", { marketId: "frozen", time }));
  const now = Date.now();
  await publish(now);
  return repeat(minuteMs / 2, () => publish(now - 60_000));
}

/** API Gateway refuses what the fan-out posts; the hints wait. */
export async function throttlePosts(scene: Scene): Promise<() => Promise<void>> {
  const { environment, minuteMs } = scene;
  const faults = noFaults();
  const edge = await startManagedEdge({ port: 0, environment, faults, onNotice: () => undefined });
  const lambdas = new LambdaProcess({
    environment: { ...edge.publisherEnvironment, ...environment, POWERTOOLS_LOG_LEVEL: "ERROR" },
    onLog: () => undefined,
  });
  const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/local`, SUBPROTOCOL);
  let received = 0;
  socket.on("message", () => (received += 1));
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(JSON.stringify({ event: "subscribe", data: { channel: "market:trades" }, id: 1 }));
  while (received === 0) await delay(20);
  // In seconds of the record, as SQS reports it.
  scene.measure(scene.metricOf("fan-out-behind"), () => (60 * edge.oldestHintAgeMs()) / minuteMs);
  scene.markBegin();
  faults.post = () => "throttled";
  let number = 0;
  const stop = repeat(minuteMs / 4, () => {
    number += 1;
    return lambdas.invoke(
      handler("market-data"),
      eventFrom("trade-executed", { id: `trade-${number}`, time: Date.now() }),
    );
  });
  return async () => {
    await stop();
    socket.terminate();
    await lambdas.stop();
    await edge.stop();
  };
}
