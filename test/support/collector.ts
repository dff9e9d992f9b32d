/** A collector of OpenTelemetry on loopback that keeps what it is sent as JSON. */
import * as Effect from "effect/Effect"
import { scriptedServer } from "./scriptedServer.ts"

export interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }>
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
  /** The attributes of the service that sent it. */
  readonly resource: Readonly<Record<string, unknown>>
}

/** The collector; `status` is what it answers everything with. */
export const collector = (status = 200) =>
  Effect.map(
    scriptedServer((response) => response.writeHead(status, { "content-type": "application/json" }).end("{}")),
    ({ requests, url }) => {
      const bodies = (path: string) =>
        requests.filter((request) => request.path === path && request.headers["content-type"] === "application/json")
          .map(({ body }) => JSON.parse(body))
      return {
        url,
        requests,
        spans: (): ReadonlyArray<SentSpan> =>
          bodies("/v1/traces").flatMap(({ resourceSpans }) =>
            resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
              scopeSpans.flatMap(({ spans }: any) =>
                spans.map((span: any) => ({
                  ...span,
                  attributes: attributesOf(span.attributes),
                  events: span.events.map((event: any) => ({ ...event, attributes: attributesOf(event.attributes) })),
                  resource: attributesOf(resource.attributes)
                }))
              )
            )
          ),
        logs: (): ReadonlyArray<{ readonly body: unknown; readonly traceId?: string; readonly spanId?: string }> =>
          bodies("/v1/logs").flatMap(({ resourceLogs }) =>
            resourceLogs.flatMap(({ scopeLogs }: any) =>
              scopeLogs.flatMap(({ logRecords }: any) =>
                logRecords.map((record: any) => ({ ...record, body: valueOf(record.body) }))
              )
            )
          ),
        metrics: (): ReadonlyArray<string> =>
          bodies("/v1/metrics").flatMap(({ resourceMetrics }) =>
            resourceMetrics.flatMap(({ scopeMetrics }: any) =>
              scopeMetrics.flatMap(({ metrics }: any) => metrics.map(({ name }: any) => name))
            )
          ),
        /** The sum of a metric's series with such a label, as the last export has them. */
        lastOf: (name: string, label?: string): number =>
          bodies("/v1/metrics").slice(-1).flatMap(({ resourceMetrics }) =>
            resourceMetrics.flatMap(({ scopeMetrics }: any) => scopeMetrics.flatMap(({ metrics }: any) => metrics))
          ).filter((metric: any) => metric.name === name)
            .flatMap(({ gauge, sum }: any) => (sum ?? gauge).dataPoints)
            .filter(({ attributes }: any) =>
              label === undefined || attributes.some(({ value }: any) => valueOf(value) === label)
            )
            .reduce((total: number, { asDouble, asInt }: any) => total + Number(asDouble ?? asInt), 0)
      }
    }
  )

const attributesOf = (list: ReadonlyArray<{ readonly key: string; readonly value: any }>) =>
  Object.fromEntries(list.map(({ key, value }) => [key, valueOf(value)]))

const valueOf = (value: any): unknown =>
  value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.arrayValue?.values.map(valueOf) ??
    (value.intValue === undefined ? undefined : Number(value.intValue))
