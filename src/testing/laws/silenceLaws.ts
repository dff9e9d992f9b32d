/**
 * Who is silent for how long is stalled when: properties 1, 2, 7 and 15 of the list in docs/liveness.md.
 *
 * They bound a verdict from both sides: below a limit nobody is given up, and a little above it everybody is. Limits are
 * calculated by the reference (reference/referenceLimits.ts), not by the code under test.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

import type { LivenessLimits } from "../../liveness/LivenessLimits.ts"
import { gapsInWords, inWords } from "../describeWorld.ts"
import { headers, opened } from "../inputs.ts"
import { differs, law, unless } from "../Law.ts"
import { framesOf, merged, ticksTo } from "../parts.ts"
import { play } from "../play.ts"
import { rhythmOf } from "../Reducer.ts"
import { firstTokenLimit, silentLimit, suspectLimit } from "../reference/referenceLimits.ts"
import { inputsOf, kinds } from "../World.ts"
import { scaleOf, wholeBetween, worldsFor } from "../worlds.ts"

/** A law lets a limit pass that takes more looks than this to reach. */
const MOST_LOOKS = 5000

const belowFloor = law({
  name: "gaps below the floor",
  property: 1,
  statement: "gaps below the suspect floor are never a stall, whatever the metrics say",
  inputs: (subject) => {
    const { suspectFloorMillis, tickMillis } = subject.limits
    return Arbitrary.schema(Schema.Struct({
      gaps: Schema.Array(wholeBetween(1, Math.min(suspectFloorMillis - 1, 100 * tickMillis)))
        .check(Schema.isMinLength(1), Schema.isMaxLength(60)),
      kind: Schema.Literals(kinds),
      metrics: Schema.Literals(["ours", "none", "idle replica", "down", "cached", "alternating"])
    }))
  },
  describe: ({ gaps, kind, metrics }) => `gaps ${gapsInWords(gaps)}; engine ${kind}, metrics: ${metrics}`,
  check: ({ gaps, kind, metrics }, subject) => {
    const { frames, last } = framesOf(gaps)
    const horizonMillis = last + Math.min(subject.limits.tickMillis, subject.limits.suspectFloorMillis)
    const told = inputsOf({
      stretches: [{ kind: kind === "tokens" ? "frozen" : kind, millis: horizonMillis }],
      end: "open",
      metrics,
      opened: { binding: "proven" },
      horizonMillis
    }, rhythmOf(subject)).filter(({ _tag, at }) => _tag !== "Tick" || at <= horizonMillis)
    const { reasons, verdict } = play(merged(told, frames), subject)
    const slow = [...reasons].filter((reason) => reason !== "below-rate")
    return differs("the verdict", verdict._tag === "Slow" && slow.length === 0 ? "Alive" : verdict._tag, "Alive") ??
      differs("what it was called slow for", slow, [])
  }
})

const silentWithoutEvidence = law({
  name: "silence without evidence",
  property: 2,
  statement: "without evidence a stall lies between the limit and one tick more",
  inputs: (subject) => {
    const { short, middle } = scaleOf(subject)
    return Arbitrary.schema(Schema.Struct({
      gaps: Schema.Array(wholeBetween(1, short)).check(Schema.isMinLength(1), Schema.isMaxLength(30)),
      learned: wholeBetween(subject.limits.tickMillis, 3.3 * middle)
    }))
  },
  describe: ({ gaps, learned }) => `gaps ${gapsInWords(gaps)}; learned: ${inWords(learned)}`,
  check: ({ gaps, learned }, subject) => {
    const { limits } = subject
    const { tickMillis } = limits
    const { frames, last } = framesOf(gaps)
    const known = { gapMillis: learned, firstTokenMillis: null }
    const between = gaps.slice(1)
    const limit = silentLimit(limits, between, known)
    const until = Math.max(limit, suspectLimit(limits, between))
    // A gap that is itself a silence to be given up for, or a limit that nobody can wait for here.
    const shortest = Math.min(limits.silentFloorMillis, limits.firstTokenFloorMillis)
    const beyond = gaps.some((gap) => gap >= shortest)
    if (beyond || until > MOST_LOOKS * tickMillis) return undefined
    const { endedAt = Infinity, verdict } = play(
      merged([opened({ learned: known }), headers], frames, ticksTo(last + until + 3 * tickMillis, tickMillis)),
      subject
    )
    if (verdict._tag !== "Stalled") return `it is ${verdict._tag} after a silence of ${inWords(until + tickMillis)}`
    return differs("the limit", verdict.limit.millis, limit) ??
      within(endedAt - last, until, until + tickMillis)
  }
})

const firstToken = law({
  name: "silence before the first token",
  property: 2,
  statement: "without evidence and before the first token a stall lies between the limit and one tick more",
  inputs: (subject) =>
    Arbitrary.schema(Schema.Struct({
      learned: Schema.NullOr(
        wholeBetween(subject.limits.tickMillis, Math.min(1.4 * subject.limits.firstTokenCeilingMillis, 1e9))
      )
    })),
  check: ({ learned }, subject) => {
    const { limits } = subject
    const { tickMillis } = limits
    const known = { gapMillis: null, firstTokenMillis: learned }
    const limit = firstTokenLimit(limits, known)
    const until = Math.max(limit, suspectLimit(limits, []))
    if (until > MOST_LOOKS * tickMillis) return undefined
    const { endedAt = Infinity, verdict } = play([
      opened({ learned: known }),
      headers,
      ...ticksTo(until + 3 * tickMillis, tickMillis)
    ], subject)
    if (verdict._tag !== "Stalled") return `it is ${verdict._tag} after ${inWords(until + tickMillis)}`
    return differs("the kind and the limit", [verdict.kind, verdict.limit.millis], ["silent", limit]) ??
      within(endedAt, until, until + tickMillis)
  }
})

const frozenEngine = law({
  name: "a frozen engine",
  property: 7,
  statement: "a frozen, bound engine is found within the larger limit, a scrape and two ticks",
  inputs: (subject) => {
    const { tickMillis } = subject.limits
    const { short } = scaleOf(subject)
    return Arbitrary.schema(Schema.Struct({
      gapMillis: wholeBetween(tickMillis / 50, 3 * tickMillis),
      millis: wholeBetween(5 * tickMillis, 6 * short),
      scrapeAt: wholeBetween(0, subject.scrapeMillis - 1),
      waits: Schema.Boolean
    }))
  },
  check: ({ gapMillis, millis, scrapeAt, waits }, subject) => {
    const { limits, scrapeMillis } = subject
    const { tickMillis } = limits
    const atMost = limits.frozenCeilingMillis + limits.suspectCeilingMillis + 3 * scrapeMillis + 4 * tickMillis
    // Nor can evidence speak for a request that is given up before the first scrape.
    const isUnseen = waits && limits.firstTokenFloorMillis <= scrapeAt + tickMillis
    if (isUnseen || atMost > MOST_LOOKS * tickMillis) return undefined
    const { endedAt = Infinity, state, verdict } = play(
      inputsOf({
        stretches: [
          ...waits
            ? [{ kind: "waiting" as const, millis }]
            : [{ kind: "tokens" as const, millis, gapMillis }],
          { kind: "frozen", millis: atMost }
        ],
        end: "open",
        opened: { binding: "proven" },
        scrapeAt
      }, rhythmOf(subject)),
      subject
    )
    if (verdict._tag !== "Stalled") return `it is ${verdict._tag}, ${inWords(atMost)} after the hang`
    const [suspect, frozen] = verdict.circumstances.limits.map((limit) => limit.millis)
    // The scrape that saw the last movement, and whole scrapes from there.
    const found = scrapeMillis + Math.max(suspect!, Math.ceil(frozen! / scrapeMillis) * scrapeMillis)
    const early = state.progress.begun ? Math.min(frozen!, limits.preemptedMillis) : frozen!
    return unless(
      verdict.kind === "engine-hung" || (verdict.kind === "decode-hung" && limits.preemptedMillis < frozen!),
      () => `it is called ${verdict.kind}`
    ) ?? within(endedAt - millis, early - scrapeMillis - 1, found + 2 * tickMillis)
  }
})

/** Settings that only ever make a run wait longer, the larger they are. */
const patience = [
  "frozenFloorMillis",
  "frozenGapFactor",
  "frozenEmptyMillis",
  "suspectFloorMillis",
  "suspectPriorMillis",
  "silentFloorMillis",
  "silentGapFactor",
  "firstTokenFloorMillis",
  "preemptedMillis",
  "deferredMillis",
  "lostScrapes",
  "deadScrapes",
  "restartScrapes",
  "unhealthyMillis"
] as const satisfies ReadonlyArray<keyof LivenessLimits>

const larger = law({
  name: "a larger limit",
  property: 15,
  statement: "a larger limit never stalls earlier",
  inputs: (subject) =>
    Arbitrary.all({
      world: worldsFor(subject, { ends: ["open"] }),
      name: Arbitrary.schema(Schema.Literals(patience)),
      factor: Arbitrary.schema(wholeBetween(2, 4))
    }),
  check: ({ factor, name, world }, subject) => {
    const { limits } = subject
    const inputs = inputsOf(world, rhythmOf(subject))
    const plain = play(inputs, subject)
    const patient = play(inputs, { ...subject, limits: { ...limits, [name]: limits[name] * factor } })
    const [one, other] = [plain.endedAt ?? Infinity, patient.endedAt ?? Infinity]
    return unless(other >= one, () => `it ends at ${inWords(other)}, and at ${inWords(one)} with the smaller limit`)
  }
})

/** A time after `low` and not after `high`. */
const within = (millis: number, low: number, high: number) =>
  unless(
    millis > low && millis <= high,
    () => `it is given up after ${inWords(millis)}, not between ${inWords(low)} and ${inWords(high)}`
  )

/** Properties 1, 2, 7 and 15. */
export const silenceLaws = [belowFloor, silentWithoutEvidence, firstToken, frozenEngine, larger]
