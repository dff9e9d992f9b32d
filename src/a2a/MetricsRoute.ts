/**
 * The route of an agent's metrics: `GET /metrics`, for Prometheus, where the process has any (Metrics.ts).
 *
 * It is no address of A2A: that of HTTP+JSON has verbs and resources, and a tenant before them, but nothing that is only
 * one word of this name. Metrics tell which models and engines an agent asks and how they are, so whoever may not call the
 * agent may not read them: the same authenticator is asked. A scraper presents its token as any client does
 * (`authorization` in Prometheus's configuration).
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { contentType, Metrics } from "../telemetry/MetricsService.ts"
import type { Authenticator } from "./Authenticator.ts"

const METRICS_PATH = "/metrics"

/** GET and HEAD of the page; no route where there are no metrics. */
export const layer = (authenticator: Authenticator): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  Layer.unwrap(
    Effect.map(Metrics, (metrics) =>
      metrics === undefined ?
        Layer.empty :
        HttpRouter.add("GET", METRICS_PATH, ({ headers, method }) =>
          authenticator.authenticate({ headers, method, path: METRICS_PATH }).pipe(
            Effect.match({
              onSuccess: () => HttpServerResponse.text(metrics.page(), { contentType }),
              onFailure: ({ challenge, message }) =>
                HttpServerResponse.text(`${message}\n`, { status: 401, headers: { "www-authenticate": challenge } })
            })
          )))
  )
