/**
 * What happens, as log records for a collector alone: people see it otherwise, in views and summaries of their own.
 *
 * Nothing is made where no collector takes logs.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { Severity } from "effect/LogLevel"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type { Attributes } from "./Spans.ts"

/** Who takes such records. */
export const Collectors = Context.Reference<ReadonlySet<Logger.Logger<unknown, unknown>>>(
  "a2a-campaign/EventLog/Collectors",
  { defaultValue: () => new Set() }
)

export interface EventRecord {
  readonly level: Severity
  /** A few words; what differs is in the attributes. */
  readonly text: string
  readonly attributes: Attributes
  /** The span that it belongs to. */
  readonly span?: Tracer.AnySpan | undefined
}

/** Writes a record, if there is one and anybody takes it. */
export const write = (make: () => EventRecord | undefined): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const collectors = fiber.getRef(Collectors)
    const record = collectors.size === 0 ? undefined : make()
    if (record === undefined) return Effect.void
    const { attributes, level, span, text } = record
    const said = Object.entries(attributes).filter(([, value]) => value !== undefined)
    const written = Effect.logWithLevel(level)(text).pipe(
      Effect.annotateLogs(Object.fromEntries(said)),
      Effect.provideService(Logger.CurrentLoggers, collectors),
      Effect.provideService(References.MinimumLogLevel, "Info")
    )
    return span === undefined ? written : Effect.provideService(written, Tracer.ParentSpan, span)
  })
