/**
 * Whether an engine stops when its client leaves in the middle of an answer, by its own metrics. Pure.
 *
 * It has stopped when it holds no more requests than before ours and nothing that had moved while it wrote moves any
 * more. It goes on if that is never so and the count of tokens rises. Anything else is not known: no metrics, metrics
 * that do not move, an answer that was complete before the close or soon would have been, requests of other clients.
 */
import { generatedNames, heldOf, readingOf } from "./EngineDialect.ts"
import type { EngineLook } from "./EngineLook.ts"
import type { EngineMeasurements } from "./EngineMeasurements.ts"
import { intervalsOf, isEngines, movementOf, movesIn, readable } from "./EngineMovement.ts"
import { tokenArrivals } from "./EngineTokens.ts"

export interface AbortCheck {
  readonly outcome: "honoured" | "ignored" | "not-known"
  /** From the close until it was seen to have stopped; milliseconds, as exactly as the looks are close. */
  readonly afterMillis: number | null
  /** Tokens that it made after the close, by its own count. */
  readonly tokensAfter: number | null
  readonly why: string
}

/** Of all tokens asked for: beyond this the answer may have been complete by itself. */
const NEARLY_COMPLETE = 0.9
/** A quiet must be so many times longer than any seen while tokens came. */
export const QUIET_FACTOR = 2
/** Tokens that were on their way when the connection was closed. */
const ON_THE_WAY = 3

const notKnown = (why: string): AbortCheck => ({ outcome: "not-known", afterMillis: null, tokensAfter: null, why })

const risen = (from: EngineLook, to: EngineLook): number | null => {
  const [before, after] = [readingOf(from, "generated"), readingOf(to, "generated")]
  return before === null || after === null ? null : after - before
}

/** What is known of the metrics beside. */
export interface MetricsTrust {
  /** Nothing speaks against them. */
  readonly believed: boolean
  /** How long they stood still while tokens came: a quiet that is not much longer is none. */
  readonly stillMillis: number
}

/** Never throws. */
export const checkAbort = (measured: EngineMeasurements, { believed, stillMillis }: MetricsTrust): AbortCheck => {
  const stream = measured.streams.findLast(({ purpose }) => purpose === "abort")
  if (stream === undefined) return notKnown("it was not tried")
  if (stream.end !== "closed" || tokenArrivals(stream).length === 0) {
    return notKnown("the answer ended before it could be closed")
  }
  const looks = readable(measured.looks)
  if (looks.length === 0) return notKnown("there are no metrics to see it by")
  if (!believed) return notKnown("the metrics are not those of the engine that answers")
  const before = looks.findLast(({ at }) => at <= stream.sentAt)
  const atClose = looks.findLast(({ askedAt }) => askedAt <= stream.endedAt)
  const later = looks.filter(({ askedAt }) => askedAt > stream.endedAt)
  const last = later.at(-1)
  if (before === undefined || atClose === undefined || last === undefined || later.length < 2) {
    return notKnown("the metrics could not be read often enough")
  }
  const series = movementOf(intervalsOf(measured)).filter(({ name }) => isEngines(name))
  const movers = series.filter((one) => movesIn(one, "prefill", "first", "decode", "end", "mixed"))
    .map(({ name }) => name)
  const others = heldOf(looks[0]!)
  // A gauge that still tells of our earlier answers is too late to tell of this one (SGLang writes it now and then).
  const isLate = (heldOf(before) ?? 0) > (others ?? 0)
  const heldIn = (look: EngineLook) => isLate ? null : heldOf(look)
  if (movers.length === 0) return notKnown("no series moves while the engine writes")
  if (others !== null && others > 0) return notKnown("the engine had requests of others as well")
  const made = risen(before, last)
  if (made !== null && made >= NEARLY_COMPLETE * stream.maxTokens) {
    return heldIn(later[0]!) === 0
      ? notKnown("the answer was complete before it could be told")
      : {
        outcome: "ignored",
        afterMillis: null,
        tokensAfter: null,
        why: "it wrote the answer to its end"
      }
  }

  // Where tokens are counted with the end of a request, what is counted was made before the close as well.
  const tokensAfter = series.some((one) => generatedNames.includes(one.name) && movesIn(one, "decode"))
    ? risen(atClose, last)
    : null
  const moves = (one: EngineLook, other: EngineLook) =>
    movers.some((name) => one.values.get(name) !== other.values.get(name))
  if (!moves(before, later[0]!) && !moves(before, atClose)) return notKnown("the metrics never showed the request")
  let rest = later.length - 1
  while (rest > 0 && !moves(later[rest - 1]!, later[rest]!)) rest--
  const stopped = later[rest]!
  const held = heldIn(last)
  const quiet = last.askedAt - stopped.at
  if (rest < later.length - 1 && quiet >= QUIET_FACTOR * stillMillis && (held === null || held === 0)) {
    const free = later.find((look) => look.askedAt >= stopped.askedAt && (heldIn(look) ?? 0) === 0) ?? stopped
    return {
      outcome: "honoured",
      afterMillis: free.at - stream.endedAt,
      tokensAfter,
      why: held === null ? "nothing moves any more" : "it holds the request no more"
    }
  }
  // What it holds no more it cannot go on with, whatever else still moves.
  if (held !== 0 && (moves(later.at(-2)!, last) || (tokensAfter ?? 0) > ON_THE_WAY)) {
    return { outcome: "ignored", afterMillis: null, tokensAfter, why: "it went on with the request" }
  }
  return notKnown("the metrics did not say that the request has gone")
}
