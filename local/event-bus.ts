import { randomUUID } from "node:crypto";
import type { EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import { type Domain, domainNames, domains } from "../contract/domain-events.ts";

/** The limits of PutEvents: entries of a request, and bytes of all of them together. */
const MAXIMUM_ENTRIES = 10;
export const MAXIMUM_REQUEST_BYTES = 262_144;

const entrySchema = z.looseObject({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  /** JSON text, as the SDK sends it; an object is taken too, so that contract/examples can be sent with curl. */
  Detail: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  EventBusName: z.string().optional(),
  Resources: z.array(z.string()).optional(),
  /** Seconds since 1970, or ISO 8601. */
  Time: z.union([z.number(), z.string()]).optional(),
});

const requestSchema = z.looseObject({ Entries: z.array(entrySchema).min(1).max(MAXIMUM_ENTRIES) });

type PutEventsEntry = z.infer<typeof entrySchema>;

type ResultEntry = { readonly EventId: string } | { readonly ErrorCode: string; readonly ErrorMessage: string };

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface EventBusOptions {
  /** Gets every event whose source and detail type a domain takes. */
  readonly onEvent: (domain: Domain, event: EventBridgeEvent<string, unknown>) => void;
  /** Called with each event that no rule matches; AWS drops these silently. */
  readonly onUnmatched: (source: string, detailType: string) => void;
}

const refusal = (type: string, message: string): HttpAnswer => ({ status: 400, body: { __type: type, message } });

const findDomain = (source: string, detailType: string): Domain | undefined =>
  domainNames.find((name) => domains[name].some((d) => d.source === source && d.detailType === detailType));

function parseDetail(detail: PutEventsEntry["Detail"]): Record<string, unknown> | undefined {
  if (typeof detail !== "string") return detail;
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(detail));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function toTime(time: PutEventsEntry["Time"]): string {
  const date = time === undefined ? new Date() : new Date(typeof time === "number" ? time * 1_000 : time);
  return `${(Number.isNaN(date.getTime()) ? new Date() : date).toISOString().slice(0, 19)}Z`;
}

/** Speaks EventBridge's `PutEvents` (JSON 1.1) and has a rule for each domain, as the deployed bus has. */
export class EventBus {
  readonly #options: EventBusOptions;

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  /** Answers one HTTP request: its `X-Amz-Target` header and its body. */
  handle(target: string | undefined, text: string): HttpAnswer {
    if (target !== "AWSEvents.PutEvents") {
      return refusal(
        "UnknownOperationException",
        `X-Amz-Target: ${target ?? "missing"}; only AWSEvents.PutEvents is here`,
      );
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return refusal("SerializationException", "the body is not JSON");
    }
    const request = requestSchema.safeParse(value);
    if (!request.success) {
      const [issue] = request.error.issues;
      return refusal("ValidationException", `${issue?.path.join(".")}: ${issue?.message}`);
    }
    const entries = request.data.Entries.map((entry) => this.#put(entry));
    const FailedEntryCount = entries.filter((entry) => "ErrorCode" in entry).length;
    return { status: 200, body: { FailedEntryCount, Entries: entries } };
  }

  #put({ Source, DetailType, Detail, Resources = [], Time }: PutEventsEntry): ResultEntry {
    const missing = Object.entries({ Source, DetailType, Detail }).find(([, value]) => !value);
    if (missing) return { ErrorCode: "InvalidArgument", ErrorMessage: `Parameter ${missing[0]} is not valid.` };
    const detail = parseDetail(Detail);
    if (!detail)
      return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed: it must be a JSON object." };
    const EventId = randomUUID();
    this.#route({
      version: "0",
      id: EventId,
      "detail-type": DetailType ?? "",
      source: Source ?? "",
      account: "000000000000",
      time: toTime(Time),
      region: "local",
      resources: Resources,
      detail,
    });
    return { EventId };
  }

  #route(event: EventBridgeEvent<string, unknown>): void {
    const domain = findDomain(event.source, event["detail-type"]);
    if (domain) this.#options.onEvent(domain, event);
    else this.#options.onUnmatched(event.source, event["detail-type"]);
  }
}
