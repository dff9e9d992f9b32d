/**
 * How runs end: once, and complete only with a finish reason. Properties 3, 11 and 12 of the list in docs/liveness.md, and
 * that the reducer takes whatever comes.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type * as Input from "../../liveness/LivenessInput.ts"
import { Verdict } from "../../liveness/Verdict.ts"
import { frame, opened, sample, scrape, tick } from "../inputs.ts"
import { differs, law, unless } from "../Law.ts"
import { gist, play, playWorld } from "../play.ts"
import { rhythmOf } from "../Reducer.ts"
import { inputsOf } from "../World.ts"
import { wholeBetween, worldsFor } from "../worlds.ts"

const final = law({
  name: "one final verdict",
  property: 3,
  statement: "one final verdict, and nothing after it changes it",
  inputs: (subject) => Arbitrary.all({ world: worldsFor(subject), more: worldsFor(subject) }),
  check: ({ more, world }, subject) => {
    const { reducer } = subject
    const { state, verdict } = playWorld(world, subject)
    if (verdict._tag === "Alive" || verdict._tag === "Slow") return undefined
    let after = state
    for (const input of inputsOf(more, rhythmOf(subject)).slice(0, 2000)) {
      after = reducer.step(after, { ...input, at: input.at + 1e7 })
    }
    after = reducer.step(after, { _tag: "Cancelled", at: 2e7, by: "user" })
    return differs("the verdict afterwards", reducer.verdictOf(after), verdict)
  }
})

const complete = law({
  name: "after the finish reason",
  property: 11,
  statement: "after the finish reason only completion is possible, with all tokens",
  inputs: (subject) =>
    Arbitrary.all({
      world: worldsFor(subject, { ends: ["open"] }),
      turns: Arbitrary.schema(Schema.Array(wholeBetween(0, 10)).check(Schema.isMaxLength(8))),
      everyMillis: Arbitrary.schema(wholeBetween(0, 8 * subject.limits.tickMillis))
    }),
  check: ({ everyMillis, turns, world }, subject) => {
    const { finishGraceMillis, tickMillis } = subject.limits
    const inputs = inputsOf(world, rhythmOf(subject))
    const before = play(inputs, subject)
    if (before.endedAt !== undefined) return undefined
    let at = inputs.at(-1)!.at
    const all = (gist(before).tokens ?? 0) + 1
    const finished = subject.reducer.step(before.state, frame(at, { finishReason: "length" }))
    const rest = turns.map((turn) => afterFinish(turn, at += everyMillis, all))
    const looks = Math.min(10_000, Math.ceil(finishGraceMillis / tickMillis) + 2)
    const ticks = Array.from({ length: looks }, (_, index) => tick(at + (index + 1) * tickMillis))
    const { verdict } = play([...rest, ...ticks], subject, finished)
    return verdict._tag === "Completed"
      ? differs("tokens", verdict.tokens, all) ?? differs("the finish reason", verdict.finishReason, "length")
      : `it is ${verdict._tag} after its finish reason`
  }
})

/** Everything that may still come. */
const afterFinish = (turn: number, at: number, all: number): Input.LivenessInput => {
  const choices: ReadonlyArray<Input.LivenessInput> = [
    { _tag: "Ended", at, how: "reset" },
    { _tag: "Ended", at, how: "error", code: 500 },
    { _tag: "Ended", at, how: "done" },
    { _tag: "Ended", at, how: "eof" },
    scrape(at, "refused"),
    { _tag: "Health", at, status: 503 },
    frame(at, { tokens: 0, text: false, usage: all }),
    { _tag: "Rejected", at, status: 500, retryAfterMillis: null },
    { _tag: "Cancelled", at, by: "user" },
    { _tag: "Worthless", at, as: "garbage" },
    { _tag: "TransportOnly", at }
  ]
  return choices[turn]!
}

const incomplete = law({
  name: "an end without a finish reason",
  property: 12,
  statement: "an end without a finish reason is never a completion",
  inputs: (subject) => worldsFor(subject, { ends: ["done", "eof", "reset", "error", "malformed"] }),
  check: (world, subject) => {
    const { verdict } = playWorld(world, subject)
    return unless(verdict._tag === "Failed" || verdict._tag === "Stalled", () => `it is ${verdict._tag}`)
  }
})

const total = law({
  name: "all inputs",
  property: null,
  statement: "any inputs in any order give a state and a verdict that can be stored",
  inputs: () =>
    Arbitrary.schema(
      // Also times and numbers that are none.
      // @effect-diagnostics-next-line schemaNumber:off
      Schema.Array(Schema.Tuple([wholeBetween(0, 17), Schema.Number, Schema.Number])).check(Schema.isMaxLength(60))
    ),
  check: (wild, { limits, reducer }) => {
    let state = reducer.initial({ ...limits, failRunaway: true })
    for (const [which, at, number] of wild) state = reducer.step(state, anything(which, at, number))
    for (let index = 1; index < 5; index++) state = reducer.step(state, tick(1e15 * index))
    const encoded = JSON.stringify(Schema.encodeSync(Verdict)(reducer.verdictOf(state)))
    const decoded = Schema.decodeUnknownSync(Verdict)(JSON.parse(encoded))
    return differs("the verdict after a store", JSON.stringify(Schema.encodeSync(Verdict)(decoded)), encoded)
  }
})

const anything = (which: number, at: number, number: number): Input.LivenessInput => {
  const flag = number > 0
  const choices: ReadonlyArray<Input.LivenessInput> = [
    opened({ at, longestStepMillis: number, maxTokens: number, ...flag ? { heartbeatMillis: 5000 } : {} }),
    { _tag: "Headers", at },
    { _tag: "TransportOnly", at },
    frame(at, { tokens: number, text: flag, usage: flag ? null : number }),
    frame(at, { tokens: 1, channel: flag ? "reasoning" : "tool-call" }),
    frame(at, { finishReason: flag ? "stop" : "abort" }),
    {
      _tag: "Heartbeat",
      at,
      phase: flag ? "agent-work" : "decoding",
      tokens: number,
      tokenAgeMillis: number,
      engine: "moving"
    },
    scrape(at, flag ? "refused" : "failed", { askedAt: number }),
    scrape(at, sample({ heartbeat: `${number % 3}` }), { askedAt: number, openStreams: flag ? 1 : null }),
    scrape(at, sample({ startedAtSeconds: flag ? 1 : null, generationTokens: flag ? 1 : 0, asleep: flag }), {
      askedAt: at
    }),
    { _tag: "Health", at, status: flag ? 503 : 200 },
    { _tag: "Ended", at, how: flag ? "error" : "eof", code: number },
    { _tag: "Rejected", at, status: number, retryAfterMillis: number },
    { _tag: "Worthless", at, as: "garbage" },
    { _tag: "Cancelled", at, by: "shutdown" },
    { _tag: "Reading", at, on: flag },
    tick(at),
    tick(Math.abs(at) % 1e7)
  ]
  return choices[which]!
}

/** Properties 3, 11 and 12, and totality. */
export const endLaws = [final, complete, incomplete, total]
