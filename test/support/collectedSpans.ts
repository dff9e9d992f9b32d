/** A tracer for tests that keeps what it is told. */
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { held } from "../../src/telemetry/OtlpTracing.ts"
import { everything } from "../../src/telemetry/Sampler.ts"

/** The spans that were opened under `layer`, in the order in which they were: ours, or all. */
export const collectedSpans = (which: "all" | "ours" = "ours") => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, layer: Layer.succeed(Tracer.Tracer, held(tracer, everything, which)) }
}

/** How a span has ended: `ok`, `interrupted`, `open`, or the type of its error. */
export const endOf = ({ status }: Tracer.NativeSpan): string => {
  if (status._tag === "Started") return "open"
  if (Exit.isSuccess(status.exit)) return "ok"
  return Exit.hasInterrupts(status.exit)
    ? "interrupted"
    : JSON.stringify(Option.getOrNull(Exit.findErrorOption(status.exit)))
}

/** The names of a span and of all around it, the outermost first; a span from outside is "outside". */
export const pathOf = (span: Tracer.AnySpan): string =>
  span._tag === "ExternalSpan"
    ? "outside"
    : Option.match(span.parent, { onNone: () => span.name, onSome: (parent) => `${pathOf(parent)} > ${span.name}` })
