/**
 * What counts as a token, and what does not: properties 6, 13, 14 and 16 of the list in docs/liveness.md.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { frame, headers, opened } from "../inputs.ts"
import { differs, law, unless } from "../Law.ts"
import { merged, ticksTo } from "../parts.ts"
import { gist, play, playWorld } from "../play.ts"
import { rhythmOf } from "../Reducer.ts"
import { inputsOf } from "../World.ts"
import { wholeBetween, worldsFor } from "../worlds.ts"

const noise = law({
  name: "noise",
  property: 6,
  statement: "comments, role chunks, empty deltas, constant counts and headers change nothing",
  inputs: (subject) =>
    Arbitrary.all({
      world: worldsFor(subject),
      noiseEveryMillis: Arbitrary.schema(
        wholeBetween(0.3 * subject.limits.tickMillis, 20 * subject.limits.tickMillis)
      )
    }),
  check: ({ noiseEveryMillis, world }, subject) =>
    differs(
      "what becomes of it with noise",
      gist(playWorld({ ...world, noiseEveryMillis }, subject)),
      gist(playWorld(world, subject))
    )
})

const chunks = law({
  name: "chunks",
  property: 13,
  statement: "n tokens at once are n tokens at that instant",
  inputs: (subject) => Arbitrary.all({ world: worldsFor(subject), tokens: Arbitrary.schema(wholeBetween(2, 9)) }),
  check: ({ tokens, world }, subject) => {
    const chunked = inputsOf({ ...world, tokensPerFrame: tokens }, rhythmOf(subject))
    const single = chunked.flatMap((input) =>
      input._tag === "Frame" && input.tokens === tokens
        ? Array.from({ length: tokens }, () => ({ ...input, tokens: 1 }))
        : [input]
    )
    return differs("what becomes of it in chunks", gist(play(chunked, subject)), gist(play(single, subject)))
  }
})

const slowIsNotFinal = law({
  name: "slow is not final",
  property: 14,
  statement: "slow is not final: a token makes it alive again",
  inputs: (subject) => worldsFor(subject, { ends: ["open"] }),
  check: (world, subject) => {
    const { state, verdict } = playWorld(world, subject)
    if (verdict._tag !== "Slow") return undefined
    return differs(
      "after one more token it",
      subject.reducer.verdictOf(subject.reducer.step(state, frame(1e8)))._tag,
      "Alive"
    )
  }
})

const counts = law({
  name: "counts",
  property: 16,
  statement: "a rising count is life even without text, a constant one is not",
  inputs: (subject) => {
    const { silentCeilingMillis, tickMillis } = subject.limits
    const longest = Math.max(tickMillis, Math.min(100 * tickMillis, 0.8 * silentCeilingMillis))
    return Arbitrary.schema(Schema.Struct({
      gaps: Schema.Array(wholeBetween(Math.min(tickMillis, longest), longest))
        .check(Schema.isMinLength(2), Schema.isMaxLength(12)),
      rises: Schema.Boolean
    }))
  },
  check: ({ gaps, rises }, subject) => {
    const { limits } = subject
    const { tickMillis } = limits
    // A limit that such gaps reach.
    const reached = Math.max(limits.suspectCeilingMillis, Math.min(limits.silentCeilingMillis, 120 * tickMillis))
    let at = 0
    const frames = gaps.map((gap, index) =>
      frame(at += gap, { tokens: 0, text: false, channel: null, usage: rises ? index + 1 : 1 })
    )
    const { endedAt, verdict } = play(merged([opened(), headers], frames, ticksTo(at, tickMillis)), {
      ...subject,
      limits: {
        ...limits,
        silentFloorMillis: Math.min(limits.silentFloorMillis, reached),
        silentCeilingMillis: reached,
        firstTokenCeilingMillis: Math.max(reached, limits.firstTokenCeilingMillis)
      }
    })
    if (rises && Math.max(...gaps) <= reached) {
      return differs("tokens", "tokens" in verdict ? verdict.tokens : undefined, gaps.length)
    }
    if (rises) return undefined
    const last = gaps[0]!
    // The wait for the first token was already longer than anybody waits.
    if (last >= limits.firstTokenFloorMillis) return undefined
    const ends = Math.ceil(at / tickMillis) * tickMillis > last + reached
    return unless(
      (endedAt !== undefined) === ends,
      () => `it is ${ends ? "not " : ""}given up, ${at - last} ms after the only token; the limit is ${reached} ms`
    )
  }
})

/** Properties 6, 13, 14 and 16. */
export const tokenLaws = [noise, chunks, slowIsNotFinal, counts]
