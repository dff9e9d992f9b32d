/**
 * Time: shifted, paused, running back, not counted, and many things at one instant. Properties 9, 10, 23 (of the reducer:
 * 23 itself is about the operator), 25 and 26 of the list in docs/liveness.md.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { LivenessInput } from "../../liveness/LivenessInput.ts"
import { describeWorld, readable } from "../describeWorld.ts"
import { tick } from "../inputs.ts"
import { differs, law, unless } from "../Law.ts"
import { shifted } from "../parts.ts"
import { gist, play } from "../play.ts"
import { randomOf } from "../Random.ts"
import { rhythmOf, type Subject } from "../Reducer.ts"
import { silentLimit, suspectLimit } from "../reference/referenceLimits.ts"
import { inputsOf, type World } from "../World.ts"
import { scaleOf, wholeBetween, worldsFor } from "../worlds.ts"

/** Limits that take more looks than this to reach are not reached. */
const MOST_LOOKS = 5000

const shift = law({
  name: "a shift",
  property: 9,
  statement: "shifting all times shifts the verdict and changes nothing in it",
  inputs: (subject) =>
    Arbitrary.all({
      world: worldsFor(subject),
      shiftMillis: Arbitrary.schema(wholeBetween(-1_000_000_000, 1_000_000_000))
    }),
  check: ({ shiftMillis, world }, subject) => {
    const inputs = inputsOf(world, rhythmOf(subject))
    const here = play(inputs, subject)
    const there = play(inputs.map((input) => shifted(input, shiftMillis)), subject)
    return differs("the verdict", there.verdict, here.verdict) ??
      differs("its time", there.endedAt, here.endedAt === undefined ? undefined : here.endedAt + shiftMillis)
  }
})

const lateTick = law({
  name: "a late tick",
  property: 10,
  statement: "a late tick of any length never ends a run, and moves its end by as much",
  inputs: (subject) => {
    const { localPauseMillis, tickMillis } = subject.limits
    return Arbitrary.all({
      world: worldsFor(subject, { ends: ["open"] }),
      atMillis: Arbitrary.schema(wholeBetween(0, 1.3 * scaleOf(subject).middle)),
      pauseMillis: Arbitrary.schema(wholeBetween(2 * tickMillis + localPauseMillis + 1, 100_000_000))
    })
  },
  check: ({ atMillis, pauseMillis, world }, subject) => {
    const { limits, reducer, scrapeMillis } = subject
    const { tickMillis } = limits
    const inputs = inputsOf(world, rhythmOf(subject))
    const plain = play(inputs, subject)
    const before = inputs.filter((input) => input.at <= atMillis)
    const last = before.at(-1)!.at
    if (plain.endedAt !== undefined && plain.endedAt <= last) return undefined
    const { state } = play(before, subject)
    const late = reducer.step(reducer.step(state, tick(last + pauseMillis)), tick(last + pauseMillis))
    if (late.outcome !== undefined) return `the late tick ends it as ${late.outcome._tag}`
    // The other inputs go on as if nothing had been, only later; the first tick stands for the one that was missed.
    const later = (by: number) => [
      tick(last + by),
      ...inputs.filter((input) => input.at > atMillis).map((input) => shifted(input, by))
    ]
    const after = play(later(pauseMillis), subject, state)
    // All of a pause but one tick is left out, so it is as if they had come that much later.
    const ended = play(later(tickMillis), subject, state).endedAt
    if (ended === undefined) return undefined
    // After a pause nobody is given up for a moment; who has shown nothing by its end, nor anybody else, is then.
    const moment = limits.localPauseMillis + scrapeMillis + 2 * tickMillis
    const isSaved = ended > inputs.at(-1)!.at - moment ||
      inputs.some(({ _tag, at }) => _tag !== "Tick" && at > ended - 2 * tickMillis && at <= ended + moment)
    if (after.endedAt === undefined) {
      return unless(isSaved, () => "it does not end after the pause, and nothing saves it")
    }
    const moved = after.endedAt - pauseMillis
    return unless(
      moved >= ended - tickMillis - scrapeMillis,
      () => `it ends ${ended - moved} ms earlier than without the pause`
    )
  }
})

const notReading = law({
  name: "a consumer that does not read",
  property: 23,
  statement: "time in which the consumer does not let us read changes nothing but when things happen",
  inputs: (subject) =>
    Arbitrary.all({
      world: worldsFor(subject, { metrics: ["none"] }),
      atMillis: Arbitrary.schema(wholeBetween(0, 1.3 * scaleOf(subject).middle)),
      ticks: Arbitrary.schema(wholeBetween(1, 600))
    }),
  check: ({ atMillis, ticks, world }, subject) => {
    const { tickMillis } = subject.limits
    const inputs = inputsOf(world, rhythmOf(subject)).filter(({ _tag }) => _tag !== "Health")
    const plain = play(inputs, subject)
    const before = inputs.filter((input) => input.at <= atMillis)
    const from = before.at(-1)!.at
    if (plain.endedAt !== undefined && plain.endedAt <= from) return undefined
    const pauseMillis = ticks * tickMillis
    const looked = Array.from({ length: ticks }, (_, index) => tick(from + (index + 1) * tickMillis))
    const held = play([
      ...before,
      { _tag: "Reading", at: from, on: false },
      ...looked,
      { _tag: "Reading", at: from + pauseMillis, on: true },
      ...inputs.filter((input) => input.at > atMillis).map((input) => shifted(input, pauseMillis))
    ], subject)
    return differs("the verdict", held.verdict, plain.verdict) ??
      differs("its time", held.endedAt, plain.endedAt === undefined ? undefined : plain.endedAt + pauseMillis)
  }
})

const monotonic = law({
  name: "time that runs back",
  property: 25,
  statement: "only monotonic time is known, and it never runs back for a run",
  inputs: (subject) =>
    Arbitrary.all({
      world: Arbitrary.map(
        worldsFor(subject),
        (world) => readable({ ...world, noiseEveryMillis: subject.limits.tickMillis * 3 }, describeWorld)
      ),
      jumps: Arbitrary.schema(
        Schema.Array(wholeBetween(-100_000_000, 0)).check(Schema.isMinLength(1), Schema.isMaxLength(5))
      )
    }),
  check: ({ jumps, world }, subject) => {
    const inputs = inputsOf(world, rhythmOf(subject))
    // What claims to be of an earlier time happens now.
    const disturbed = inputs.map((input, index) =>
      input._tag === "TransportOnly" || input._tag === "Headers"
        ? { ...input, at: input.at + jumps[index % jumps.length]! }
        : input
    )
    return differs("what becomes of it", gist(play(disturbed, subject)), gist(play(inputs, subject)))
  }
})

const oneInstant = law({
  name: "one instant",
  property: 26,
  statement: "what arrives at the instant of a tick counts, in any order",
  inputs: (subject) =>
    Arbitrary.all({
      world: Arbitrary.flatMap(
        Arbitrary.schema(Schema.Boolean),
        (isLast) => isLast ? lastMoments(subject) : worldsFor(subject, { ends: ["open"] })
      ),
      seed: Arbitrary.schema(wholeBetween(1, 1_000_000))
    }),
  check: ({ seed, world }, subject) => {
    const { tickMillis } = subject.limits
    const random = randomOf(seed)
    const inputs = inputsOf({
      ...world,
      stretches: world.stretches.map((stretch) => ({
        ...stretch,
        millis: stretch.millis - stretch.millis % tickMillis + tickMillis,
        gapMillis: Math.ceil(Number(stretch.gapMillis ?? tickMillis) / tickMillis) * tickMillis
      })),
      scrapeAt: 0
    }, rhythmOf(subject))
    // Ticks anywhere among what else is told of their instant; the second look comes after all of it.
    const [first, ...rest] = inputs
    const shuffled = rest
      .map((input, index) => ({ input, order: input._tag === "Tick" ? random() * rest.length : index }))
      .toSorted((one, other) => one.input.at - other.input.at || one.order - other.order)
      .map(({ input }) => input)
    return differs("what becomes of it", lookedTwice(first!, shuffled, subject), lookedTwice(first!, rest, subject))
  }
})

/** Worlds in which a token comes at the very tick that would first find the run silent for too long. */
const lastMoments = (subject: Subject): Arbitrary.Arbitrary<World> => {
  const { limits } = subject
  const { tickMillis } = limits
  return Arbitrary.map(Arbitrary.schema(wholeBetween(2, 40)), (tokens): World => {
    const gaps = Array.from({ length: tokens - 1 }, () => tickMillis)
    const known = { gapMillis: tickMillis, firstTokenMillis: null }
    const until = Math.max(silentLimit(limits, gaps, known), suspectLimit(limits, gaps))
    const looks = Math.min(MOST_LOOKS, Math.floor(until / tickMillis))
    return readable({
      stretches: [
        // The check rounds each stretch up to whole looks.
        { kind: "tokens", millis: tokens * tickMillis - 1, gapMillis: tickMillis },
        ...looks === 0 ? [] : [{ kind: "hidden" as const, millis: looks * tickMillis - 1 }],
        { kind: "tokens", millis: tickMillis - 1, gapMillis: tickMillis }
      ],
      end: "open",
      metrics: "none",
      opened: { learned: known }
    }, describeWorld)
  })
}

/** The end of a run that is looked at twice after all that happens at an instant. */
const lookedTwice = (first: LivenessInput, list: ReadonlyArray<LivenessInput>, { limits, reducer }: Subject) => {
  let state = reducer.step(reducer.initial(limits), first)
  for (const [index, input] of list.entries()) {
    state = reducer.step(state, input)
    if (list[index + 1]?.at !== input.at) {
      state = reducer.step(state, tick(input.at))
      if (state.condemned) state = reducer.step(state, tick(input.at))
    }
    if (state.outcome !== undefined) return { tag: state.outcome._tag, tokens: state.outcome.tokens }
  }
  return undefined
}

/** Properties 9, 10, 23, 25 and 26. */
export const timeLaws = [shift, lateTick, notReading, monotonic, oneInstant]
