/**
 * Between agents: who knows most decides first, and an agent is believed as long as it says that it lives. Property 24 of
 * the list in docs/liveness.md, as far as it is one of the limits, and two that are in no list.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { Heartbeat, LivenessInput } from "../../liveness/LivenessInput.ts"
import { inWords } from "../describeWorld.ts"
import { frame, headers, opened } from "../inputs.ts"
import { differs, law, unless } from "../Law.ts"
import { merged, ticksTo } from "../parts.ts"
import { play } from "../play.ts"
import { firstTokenLimit, nestedAllowance, silentLimit, suspectLimit } from "../reference/referenceLimits.ts"
import { scaleOf, wholeBetween } from "../worlds.ts"

/** A law lets a limit pass that takes more looks than this to reach. */
const MOST_LOOKS = 5000

const run = { attempt: 1, endpoint: "http://engine/v1", model: "m" } as const

const nested = law({
  name: "nested limits",
  property: 24,
  statement: "of the hops that watch one silent run without evidence, the inner one gives up first, two ticks ahead, " +
    "unless it is their suspect limit that all of them wait for",
  inputs: (subject) =>
    Arbitrary.schema(Schema.Struct({
      begins: Schema.Boolean,
      learned: Schema.NullOr(wholeBetween(subject.limits.tickMillis, scaleOf(subject).middle)),
      last: wholeBetween(1, 10 * subject.limits.tickMillis)
    })),
  check: ({ begins, last, learned }, subject) => {
    const { limits } = subject
    const { tickMillis } = limits
    const known = { gapMillis: learned, firstTokenMillis: learned }
    const limit = begins ? silentLimit(limits, [], known) : firstTokenLimit(limits, known)
    const horizon = last + limit + nestedAllowance(limits, 2) + 3 * tickMillis
    if (limit < suspectLimit(limits, []) || horizon > MOST_LOOKS * tickMillis) return undefined
    const endAt = (hop: "engine" | "purple" | "green") =>
      play([
        ...merged(
          [
            opened({ run: { ...run, hop }, learned: known }),
            headers,
            ...begins ? [frame(last)] : []
          ],
          ticksTo(horizon, tickMillis)
        )
      ], subject).endedAt
    const ends = (["engine", "purple", "green"] as const).map((hop) => ({ hop, at: endAt(hop) }))
    for (const [index, { at, hop }] of ends.entries()) {
      if (at === undefined) return `nobody ends it at the hop ${hop}`
      const inner = ends[index - 1]
      if (inner?.at !== undefined && at < inner.at + 2 * tickMillis) {
        return `${hop} ends it at ${inWords(at)}, ${inner.hop} at ${inWords(inner.at)}`
      }
    }
    return undefined
  }
})

const beat = (at: number, engine: Heartbeat["engine"], intervalMillis: number): LivenessInput => ({
  _tag: "Heartbeat",
  at,
  phase: "decoding",
  tokens: 1,
  tokenAgeMillis: at,
  engine,
  intervalMillis
})

const Beats = (subject: Parameters<typeof scaleOf>[0]) =>
  Schema.Struct({
    intervalMillis: wholeBetween(subject.limits.tickMillis, 10 * subject.limits.tickMillis),
    beats: wholeBetween(1, 100),
    engine: Schema.Literals(["moving", "asleep"])
  })

const beatsFor = (count: number, intervalMillis: number, engine: Heartbeat["engine"]) =>
  Array.from({ length: count }, (_, index) => beat((index + 1) * intervalMillis, engine, intervalMillis))

const promises = (intervalMillis: number) => opened({ run: { ...run, hop: "purple" }, heartbeatMillis: intervalMillis })

const vouched = law({
  name: "an agent that vouches",
  property: null,
  statement: "an agent whose heartbeats come as promised and say that its engine moves or sleeps is never given up",
  inputs: (subject) => Arbitrary.schema(Beats(subject)),
  check: ({ beats, engine, intervalMillis }, subject) => {
    const { tickMillis } = subject.limits
    const { verdict } = play(
      merged(
        [promises(intervalMillis), headers],
        beatsFor(beats, intervalMillis, engine),
        ticksTo(beats * intervalMillis - tickMillis, tickMillis)
      ),
      subject
    )
    return unless(verdict._tag === "Alive" || verdict._tag === "Slow", () => `it is ${verdict._tag}`)
  }
})

const silentAgent = law({
  name: "an agent that falls silent",
  property: null,
  statement: "an agent that stops to send its heartbeats is given up after those it may miss, its slack and two ticks",
  inputs: (subject) => Arbitrary.schema(Beats(subject)),
  check: ({ beats, engine, intervalMillis }, subject) => {
    const { limits } = subject
    const { heartbeatSlackMillis, heartbeatsMissed, suspectFloorMillis, tickMillis } = limits
    const last = beats * intervalMillis
    const limit = heartbeatsMissed * intervalMillis + heartbeatSlackMillis
    // Between two heartbeats nobody is missed; a limit that is no longer than that is met there already.
    if (limit <= intervalMillis || limit > MOST_LOOKS * tickMillis) return undefined
    const until = Math.max(limit, suspectFloorMillis)
    const { endedAt = Infinity, verdict } = play(
      merged(
        [promises(intervalMillis), headers],
        beatsFor(beats, intervalMillis, engine),
        ticksTo(last + until + 3 * tickMillis, tickMillis)
      ),
      subject
    )
    if (verdict._tag !== "Stalled") return `it is ${verdict._tag}`
    return differs("the kind", verdict.kind, "agent-silent") ?? unless(
      endedAt > last + limit && endedAt <= last + until + 2 * tickMillis,
      () => `it is given up ${inWords(endedAt - last)} after its last heartbeat; the limit is ${inWords(limit)}`
    )
  }
})

/** Property 24, and what an agent says of itself. */
export const hopLaws = [nested, vouched, silentAgent]
