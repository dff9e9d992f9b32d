/**
 * Opens our spans: what is told of them, what their requests carry, and how they end.
 *
 * Laws:
 * - Where nothing collects spans (the tracer is Effect's own, which keeps none), none is made and nothing is done for a
 *   token; the context of the request that we serve is handed on as it came.
 * - A span of a stream covers its whole consumption. It ends once, in whatever way the stream does.
 * - An error ends a span with its type and not with its words: those may quote what an engine or an agent has said.
 * - Events beyond a bound are dropped, so that a run of a night keeps a span of bounded size.
 *
 * Gotcha: a stream hands its span to whoever is to use it, it does not put it into the context: that would cost with
 * every pull. An effect does both.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { errorAttributes } from "./errorAttributes.ts"
import { Propagates, read, TraceState, write } from "./TraceContext.ts"

type AttributeValue = string | number | boolean | ReadonlyArray<string>

/** Attributes by their names; undefined ones are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>

/**
 * A span while it is open, or what stands for one where there is none. All of it is synchronous and never throws. Our
 * engines and clients take one with a request, from whoever has opened it for that.
 */
export interface OpenSpan {
  /** Whether anything is kept of what it is told. */
  readonly isRecording: boolean
  /** The headers that requests made in it carry; none where nobody is to be told. */
  readonly headers: Readonly<Record<string, string>>
  /** What other spans can have for their parent. */
  readonly span: Tracer.AnySpan | undefined
  /** Puts attributes on it; those of a name that it has take the place of those. */
  readonly set: (attributes: Attributes) => void
  /** Notes that something has happened now. Beyond 128 events more are dropped. */
  readonly event: (name: string, attributes?: Attributes) => void
  /** Asked at the end what else there is to tell; an operator of its own on a stream would cost with each token. */
  readonly atEnd: (attributes: () => Attributes) => void
  /** The seconds since it was opened. */
  readonly elapsed: () => number
  /** Ends it as something has ended; only the first end counts. */
  readonly end: (exit: Exit.Exit<unknown, unknown>) => void
}

export interface SpanOptions {
  /** Internal unless given. */
  readonly kind?: Tracer.SpanKind
  readonly attributes?: Attributes
  /** The current one unless given; `null` begins a trace. */
  readonly parent?: Tracer.AnySpan | null | undefined
  /** Spans of other traces that it belongs to. */
  readonly links?: ReadonlyArray<Tracer.AnySpan>
}

/** Among the annotations of every span that is opened here, for those who want no others. */
export const IsOurs = Context.Reference<boolean>("a2a-campaign/IsOurs", { defaultValue: () => false })

const MOST_EVENTS = 128

/** No span. */
export const none: OpenSpan = passing(undefined, false)

/** What stands for a span where none is made: requests carry the context that came from outside. */
function passing(outside: Tracer.AnySpan | undefined, propagates: boolean): OpenSpan {
  return {
    isRecording: false,
    headers: outside === undefined || !propagates ? {} : write(outside),
    span: outside,
    set: () => {},
    event: () => {},
    atEnd: () => {},
    elapsed: () => 0,
    end: () => {}
  }
}

const isTracing = ({ cache: { tracer, tracerEnabled } }: Fiber.Fiber<unknown, unknown>): boolean =>
  tracerEnabled && tracer !== undefined && tracer !== Tracer.nativeTracer

/** The span that counts for others: the innermost that somebody collects, or that of the request that we serve. */
const countingSpan = (fiber: Fiber.Fiber<unknown, unknown>): Tracer.AnySpan | undefined => {
  const isLeftOut = isTracing(fiber)
    ? (span: Tracer.Span) => Context.get(span.annotations, Tracer.DisablePropagation)
    : () => true
  let span = fiber.cache.span
  while (span?._tag === "Span" && isLeftOut(span)) span = Option.getOrUndefined(span.parent)
  return span
}

/**
 * The span that a request belongs to, inside its handler: that which the server has made for it, if it makes any, or else
 * what its headers say. Never one that was open when the server was started.
 */
export const parentOf = (
  headers: Readonly<Record<string, string | undefined>>
): Effect.Effect<Tracer.AnySpan | undefined> =>
  Effect.withFiber((fiber): Effect.Effect<Tracer.AnySpan | undefined> => {
    const current = countingSpan(fiber)
    if (current?._tag === "Span" && current.kind === "server") return Effect.succeed(current)
    return Effect.succeed(fiber.getRef(Propagates) ? read(headers) : undefined)
  })

/** Opens a span; whoever does ends it. */
export const open = (name: string, options: SpanOptions = {}): Effect.Effect<OpenSpan> =>
  Effect.withFiber((fiber) => {
    const parent = options.parent === undefined ? countingSpan(fiber) : options.parent ?? undefined
    const propagates = fiber.getRef(Propagates)
    if (!isTracing(fiber)) {
      return Effect.succeed(passing(parent?._tag === "ExternalSpan" ? parent : undefined, propagates))
    }
    const state = parent === undefined ? "" : Context.get(parent.annotations, TraceState)
    const made = Effect.makeSpan(name, {
      kind: options.kind ?? "internal",
      ...(parent === undefined ? { root: true } : { parent }),
      ...(options.links === undefined
        ? {}
        : { links: options.links.map((span) => ({ span, attributes: {} })) }),
      annotations: Context.add(state === "" ? Context.empty() : Context.make(TraceState, state), IsOurs, true)
    })
    return Effect.map(made, (span) => recording(span, propagates, fiber.getRef(Clock.Clock), options.attributes))
  })

const recording = (
  span: Tracer.Span,
  propagates: boolean,
  clock: Clock.Clock,
  attributes: Attributes = {}
): OpenSpan => {
  const openedAt = clock.monotonicTimeNanosUnsafe()
  let last: () => Attributes = () => ({})
  let events = 0
  const set = (attributes: Attributes) => {
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.attribute(name, value)
  }
  set(attributes)
  return {
    isRecording: true,
    headers: propagates ? write(span) : {},
    span,
    set,
    event: (name, attributes = {}) => {
      if (events++ < MOST_EVENTS) span.event(name, clock.currentTimeNanosUnsafe(), defined(attributes))
    },
    atEnd: (attributes) => {
      last = attributes
    },
    elapsed: () => Number(clock.monotonicTimeNanosUnsafe() - openedAt) / 1e9,
    end: (exit) => {
      if (span.status._tag === "Ended") return
      set(last())
      const at = clock.currentTimeNanosUnsafe()
      if (Exit.isSuccess(exit)) return span.end(at, Exit.void)
      if (Cause.hasInterruptsOnly(exit.cause)) return span.end(at, Exit.interrupt())
      const about = errorAttributes(Cause.squash(exit.cause))
      set(about)
      // No error object: its stack would be sent, and says nothing but where this line is.
      const type = String(about["error.type"])
      span.end(at, Exit.fail({ name: type, message: type }))
    }
  }
}

const defined = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))

/** The effect, in a span. Effects inside have it for their parent. */
export const effect = <A, E, R>(
  name: string,
  options: SpanOptions,
  body: (span: OpenSpan) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      open(name, options),
      (span) => Effect.onExit(restore(under(span, body(span))), (exit) => Effect.sync(() => span.end(exit)))
    )
  )

/** The effect, with the span for the parent of what it opens. */
export const under = <A, E, R>({ isRecording, span }: OpenSpan, effect: Effect.Effect<A, E, R>) =>
  isRecording && span !== undefined ? Effect.provideService(effect, Tracer.ParentSpan, span) : effect

/** The stream, in a span that it gets and that ends with it. */
export const stream = <A, E, R>(
  name: string,
  options: SpanOptions,
  body: (span: OpenSpan) => Stream.Stream<A, E, R>
): Stream.Stream<A, E, R> =>
  Stream.unwrap(
    Effect.map(open(name, options), (span) =>
      span.isRecording
        ? Stream.onExit(body(span), (exit) => Effect.sync(() => span.end(exit)))
        : body(span))
  )
