/**
 * Effect's OTLP tracer with a sampler, and without the spans of our own inner functions where they are not wanted.
 *
 * A span that is left out is as if it had never been: what is opened within it belongs to what is around it.
 */
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { isSampled, type Sampler } from "./Sampler.ts"
import { IsOurs } from "./Spans.ts"

/** The tracer, held to a sampler and a choice of spans. */
export const held = (tracer: Tracer.Tracer, sampler: Sampler, which: "all" | "ours"): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      if (which === "ours" && !Context.get(options.annotations, IsOurs)) return new LeftOut(options)
      const parent = Option.getOrUndefined(options.parent)
      const span = tracer.span({ ...options, sampled: true })
      // Effect leaves out the children of what is left out; whether that is wanted, the sampler knows.
      const isWanted = options.sampled || parent?.sampled === false
      if (isWanted && isSampled(sampler, span.traceId, parent?.sampled)) return span
      // A span has the id of its trace only once it is made, and that is what decides.
      return Object.defineProperty(span, "sampled", { value: false })
    }
  })

/** A span that nobody sees. */
class LeftOut implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Context.Context<never>
  readonly attributes: ReadonlyMap<string, unknown> = new Map()
  readonly links: ReadonlyArray<Tracer.SpanLink> = []
  readonly sampled = false
  readonly kind: Tracer.SpanKind
  status: Tracer.SpanStatus

  constructor(options: Parameters<Tracer.Tracer["span"]>[0]) {
    this.name = options.name
    this.parent = options.parent
    this.annotations = Context.add(options.annotations, Tracer.DisablePropagation, true)
    this.kind = options.kind
    this.status = { _tag: "Started", startTime: options.startTime }
  }

  /** Those around it, which logs inside it belong to. */
  get traceId(): string {
    return Option.match(this.parent, { onNone: () => "", onSome: ({ traceId }) => traceId })
  }

  get spanId(): string {
    return Option.match(this.parent, { onNone: () => "", onSome: ({ spanId }) => spanId })
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
  }

  attribute(): void {}

  event(): void {}

  addLinks(): void {}
}
