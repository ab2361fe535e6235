import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../kernel/as-error.ts";
import { type ExportedSpan, newestEntry, parseExport, spansOf } from "../kernel/tracing/trace-report.ts";
import { readBody } from "./request-body.ts";

/** Spans that are kept; the oldest make room. */
const KEPT_SPANS = 20_000;

/** Largest export that is taken, in bytes. */
const MAXIMUM_BODY_BYTES = 8_000_000;

/** Keeps the spans that the processes of this machine export, in place of an OpenTelemetry collector. */
export interface TraceCollector {
  /** The value of `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** Returns the spans of the trace that an entry belongs to; of the newest one without an id. */
  spansOf(entryId?: string): readonly ExportedSpan[];
  close(): Promise<void>;
}

/** Opens a collector on a free port: `POST /v1/traces` takes spans, `GET /traces/<id of an entry>` gives those of
 * its trace as JSON, `GET /traces/newest` those of the newest one. */
export async function openTraceCollector(): Promise<TraceCollector> {
  const spans: ExportedSpan[] = [];
  const find = (id = newestEntry(spans)): readonly ExportedSpan[] => (id === undefined ? [] : spansOf(spans, id));
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    try {
      if (request.method === "POST" && request.url === "/v1/traces") {
        spans.push(...parseExport(JSON.parse(await readBody(request, MAXIMUM_BODY_BYTES))));
        spans.splice(0, spans.length - KEPT_SPANS);
        answer(200, {});
      } else {
        const [, id] = /^\/traces\/(\d+-\d+|newest)$/.exec(request.url ?? "") ?? [];
        if (id === undefined) answer(404, { error: "GET /traces/<id of an entry>, or /traces/newest" });
        else answer(200, find(id === "newest" ? undefined : id));
      }
    } catch (error) {
      answer(400, { error: messageOf(error) });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spansOf: find,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
