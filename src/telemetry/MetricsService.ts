/**
 * The metrics of the process, for our own folders: servers ask for the page, whoever knows more to count for the book.
 *
 * `undefined` where there are none, which is what holds unless the layer of Metrics.ts is provided: asked once by whoever
 * begins something, never for a token.
 */
import * as Context from "effect/Context"
import type { MetricBook } from "./MetricBook.ts"

export interface MetricsService {
  /** Where they are kept. */
  readonly book: MetricBook
  /** The page for Prometheus, with all that Effect's registry holds. */
  readonly page: () => string
}

export const Metrics: Context.Reference<MetricsService | undefined> = Context.Reference<MetricsService | undefined>(
  "a2a-campaign/Metrics",
  { defaultValue: () => undefined }
)

/** What a page is, for the header of its answer. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"
