import { afterEach, expect, it } from "vitest";
import { openAwsEndpoints } from "../../drill/deploy/aws-endpoints.ts";
import { LoadBalancer } from "../../drill/deploy/load-balancer.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { startRedis } from "../../local/redis.ts";
import { connectClient, type TestClient } from "../support/client.ts";

const CLIENTS = 6;

const healthCheck = { path: "/healthz", intervalMs: 200, timeoutMs: 2_000, healthyThreshold: 2, unhealthyThreshold: 3 };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Registered {
  readonly gateway: GatewayProcess;
  readonly port: number;
  readonly balancer: LoadBalancer;
  readonly clients: readonly TestClient[];
  readonly reasons: readonly string[];
}

/** Starts a gateway that asks for the health of its target, and connects clients through its load balancer. */
async function registered(failure?: "refused" | "silent"): Promise<Registered> {
  const redis = await startRedis();
  ends.push(() => redis.stop());
  const balancer = await LoadBalancer.open({ healthCheck, deregistrationDelayMs: 60_000 });
  ends.push(() => balancer.close());
  const aws = await openAwsEndpoints(balancer);
  ends.push(() => aws.close());
  if (failure) aws.fail(failure);
  const issuer = await createIssuer();
  const settings = { RT_REDIS_URL: redis.url, RT_DRAIN_SECONDS: "1" };
  const gateway = await startGateway({ ...issuer.env, ...aws.environment, ...settings });
  ends.push(() => gateway.stop("SIGKILL"));
  const port = Number(new URL(gateway.url).port);
  balancer.register(port);
  await expect.poll(() => balancer.stateOf(port)).toBe("healthy");
  const url = `http://127.0.0.1:${balancer.port}`;
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectClient(url)));
  ends.push(() => clients.map((client) => client.close()));
  const reasons: string[] = [];
  for (const { socket } of clients) socket.on("disconnect", (reason) => reasons.push(reason));
  return { gateway, port, balancer, clients, reasons };
}

const drainsOf = (clients: readonly TestClient[]): number =>
  clients.filter(({ events }) => events.some(({ name }) => name === "drain")).length;

const statusOf = async ({ url }: GatewayProcess, path: string): Promise<number> =>
  (await fetch(`${url}${path}`)).status;

it("a deregistered task drains, waits for SIGTERM, and is ready again if it is registered again", async () => {
  const { gateway, port, balancer, clients, reasons } = await registered();

  const cut = balancer.deregister(port);
  await expect.poll(() => drainsOf(clients)).toBe(CLIENTS);
  expect(await cut).toBe(0);
  expect(new Set(reasons)).toEqual(new Set(["transport close"]));
  expect(await statusOf(gateway, "/readyz")).toBe(503);
  expect(await statusOf(gateway, "/healthz")).toBe(200);
  expect(gateway.process.exitCode).toBeNull();

  balancer.register(port);
  await expect.poll(() => statusOf(gateway, "/readyz")).toBe(200);
  await expect.poll(() => balancer.stateOf(port)).toBe("healthy");
  const next = await connectClient(`http://127.0.0.1:${balancer.port}`);
  next.close();
  expect(await gateway.stop("SIGTERM")).toBe(0);
});

it.each(["refused", "silent"] as const)(
  "where the question for a target's health is %s the task says so once, and drains at SIGTERM",
  async (failure) => {
    const { gateway, clients, reasons } = await registered(failure);
    const warnings = (): number => gateway.log().split("cannot read the target health").length - 1;
    await expect.poll(warnings).toBe(1);

    const exit = gateway.stop("SIGTERM");
    await expect.poll(() => drainsOf(clients)).toBe(CLIENTS);
    expect(await exit).toBe(0);
    // A client that comes back before the end of the process is closed again.
    expect(new Set(reasons)).toEqual(new Set(["transport close"]));
    expect(warnings()).toBe(1);
  },
);
