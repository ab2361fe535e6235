import * as z from "zod";

const config = z.object({
  managedEdgePort: z.int(),
  markets: z.array(z.object({ id: z.string(), title: z.string() })),
  users: z.array(z.string()),
});
export type PlatformConfig = z.infer<typeof config>;

const gateways = z.object({
  gateways: z.array(
    z.object({
      name: z.string(),
      state: z.enum(["ready", "draining", "starting"]),
      connections: z.number(),
      restarts: z.number(),
    }),
  ),
});
export type GatewayState = z.infer<typeof gateways>["gateways"][number];

const failure = z.object({ message: z.string() });

/** Longest wait for an answer, in ms; without a limit a silent platform would look like one that is about to answer. */
const ANSWER_TIMEOUT_MS = 5_000;

/** The platform's development routes refused a request or did not answer; the message is for the user to read. */
export class DevelopmentApiError extends Error {
  override readonly name = "DevelopmentApiError";
  /** True where the platform refused. Otherwise it did not answer, and may have carried out the request. */
  readonly isRefusal: boolean;

  constructor(message: string, { isRefusal, ...options }: ErrorOptions & { readonly isRefusal: boolean }) {
    super(message, options);
    this.isRefusal = isRefusal;
  }
}

function noAnswer(cause: unknown): never {
  throw new DevelopmentApiError("The platform does not answer. Is npm start running?", { cause, isRefusal: false });
}

async function request<T>(path: string, schema: z.ZodType<T>, body?: object): Promise<T> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const headers = { "content-type": "application/json" };
  const options = body === undefined ? { signal } : { signal, method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(path, options).catch(noAnswer);
  const value: unknown = await response.json().catch(response.ok ? noAnswer : () => undefined);
  if (!response.ok) {
    const message = failure.safeParse(value).data?.message ?? `HTTP ${response.status}`;
    throw new DevelopmentApiError(message, { isRefusal: response.status < 500 });
  }
  return schema.parse(value);
}

export const fetchConfig = (): Promise<PlatformConfig> => request("/dev/config", config);

/** A JWT of that user, from the local issuer. */
export const fetchToken = async (user: string): Promise<string> =>
  (await request(`/dev/token?sub=${encodeURIComponent(user)}`, z.object({ token: z.string() }))).token;

export const fetchGateways = async (): Promise<readonly GatewayState[]> =>
  (await request("/dev/gateways", gateways)).gateways;

/** Resolves once the gateway's process has ended; another takes its place. */
export const restartGateway = async (gateway: string, how: "drain" | "kill"): Promise<void> => {
  await request("/dev/gateways/restart", z.unknown(), { gateway, how });
};

/** Cuts every connection to the gateways and lets nobody connect for that long. */
export const cutConnections = async (milliseconds: number): Promise<void> => {
  await request("/dev/connections/cut", z.unknown(), { milliseconds });
};

export interface OrderTicket {
  readonly user: string;
  readonly marketId: string;
  readonly outcome: "yes" | "no";
  readonly size: number;
}

/** Places an order and resolves with its id. What becomes of it arrives on `user:orders`. */
export const placeOrder = async (ticket: OrderTicket): Promise<string> =>
  (await request("/dev/orders", z.object({ orderId: z.string() }), ticket)).orderId;
