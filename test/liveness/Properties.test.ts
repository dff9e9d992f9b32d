/**
 * The properties of the liveness model, on the reducer itself. The numbers are those of the model's list.
 *
 * Worlds are generated from stretches of all kinds, with every sort of metrics and end; the last test counts that every
 * verdict and every kind really comes up among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import {
  frame,
  gist,
  headers,
  inputsOf,
  kinds,
  opened,
  play,
  randomOf,
  sample,
  SCRAPE,
  scrape,
  TICK,
  tick,
  type World
} from "./Worlds.ts"

const runs = { arbitrary: { runs: 200 } }
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Stretches = Schema.Array(Schema.Struct({
  kind: Schema.Literals(kinds),
  millis: Schema.Union([between(500, 20_000), between(20_000, 300_000), between(300_000, 1_000_000)]),
  gapMillis: Schema.Union([between(20, 200), between(200, 20_000)])
})).check(Schema.isMinLength(1), Schema.isMaxLength(4))

const ends = ["finish", "open", "open", "open", "done", "eof", "reset", "error", "malformed"] as const
const allMetrics = ["ours", "ours", "ours", "none", "idle replica", "down", "cached", "alternating"] as const

const worldsWith = (
  metrics: ReadonlyArray<typeof allMetrics[number]>,
  end: ReadonlyArray<typeof ends[number]> = ends
): Arbitrary.Arbitrary<World> =>
  Arbitrary.map(
    Arbitrary.all({
      stretches: Arbitrary.schema(Stretches),
      end: Arbitrary.schema(between(0, end.length - 1)),
      metrics: Arbitrary.schema(between(0, metrics.length - 1)),
      inherits: Arbitrary.schema(Schema.Boolean),
      begins: Arbitrary.schema(Schema.Boolean),
      goesOn: Arbitrary.schema(Schema.Boolean),
      learned: Arbitrary.schema(Schema.NullOr(between(1000, 500_000))),
      scrapeAt: Arbitrary.schema(between(0, SCRAPE - 1))
    }),
    (made): World => ({
      stretches: [
        ...made.begins ? [{ kind: "tokens" as const, millis: 10_000, gapMillis: 50 }] : [],
        // Fast tokens for long are many and tell nothing new.
        ...made.stretches.map((stretch) =>
          stretch.kind === "tokens"
            ? { ...stretch, millis: Math.min(stretch.millis, stretch.gapMillis * 100) }
            : stretch
        )
      ],
      end: end[made.end]!,
      metrics: metrics[made.metrics]!,
      opened: {
        binding: made.inherits ? "proven" : "unproven",
        learned: { gapMillis: made.learned, firstTokenMillis: made.learned }
      },
      scrapeAt: made.scrapeAt,
      ...made.goesOn ? { horizonMillis: made.stretches.reduce((sum, { millis }) => sum + millis, 500_000) } : {}
    })
  )

const worlds = worldsWith(allMetrics)

const without = (
  inputs: ReadonlyArray<Input.LivenessInput>,
  ...tags: ReadonlyArray<Input.LivenessInput["_tag"]>
): ReadonlyArray<Input.LivenessInput> => inputs.filter(({ _tag }) => !tags.includes(_tag))

/** Gaps as frames, and ticks to the end and a while longer. */
const framesOf = (
  gaps: ReadonlyArray<number>
): { readonly inputs: ReadonlyArray<Input.LivenessInput>; last: number } => {
  let last = 0
  const frames = gaps.map((gap) => frame(last += gap))
  return { inputs: frames, last }
}

const merged = (...parts: ReadonlyArray<ReadonlyArray<Input.LivenessInput>>): ReadonlyArray<Input.LivenessInput> =>
  parts.flat().toSorted((one, other) => one.at - other.at)

const ticksTo = (horizon: number): ReadonlyArray<Input.LivenessInput> =>
  Array.from({ length: Math.ceil(horizon / TICK) }, (_, index) => tick((index + 1) * TICK))

describe("the properties of the model", () => {
  it.prop("1: gaps below the suspect floor are never a stall, whatever the metrics say", [
    Schema.Array(between(1, 4999)).check(Schema.isMinLength(1), Schema.isMaxLength(60)),
    Schema.Literals(kinds),
    Schema.Literals(allMetrics)
  ], ([gaps, kind, metrics]) => {
    const { inputs, last } = framesOf(gaps)
    const horizonMillis = last + 1000
    const told = inputsOf({
      stretches: [{ kind: kind === "tokens" ? "frozen" : kind, millis: horizonMillis }],
      end: "open",
      metrics,
      opened: { binding: "proven" },
      horizonMillis
    }).filter(({ _tag, at }) => _tag !== "Tick" || at <= horizonMillis)
    const { reasons, verdict } = play(merged(told, inputs))
    assert.strictEqual(verdict._tag, "Alive")
    assert.strictEqual(reasons.size, 0)
  }, runs)

  it.prop("2: without evidence a stall lies between the limit and one tick more", [
    Schema.Array(between(1, 20_000)).check(Schema.isMinLength(1), Schema.isMaxLength(30)),
    between(1000, 1_000_000)
  ], ([gaps, learned]) => {
    const { inputs, last } = framesOf(gaps)
    const largest = Math.max(0, ...gaps.slice(1))
    const limit = Math.min(900_000, Math.max(120_000, learned, 16 * largest))
    const { endedAt, verdict } = play(merged(
      [opened({ learned: { gapMillis: learned, firstTokenMillis: null } })],
      inputs,
      ticksTo(last + limit + 3 * TICK)
    ))
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.strictEqual(verdict.limit.millis, limit)
    assert.isAbove(endedAt!, last + limit)
    assert.isAtMost(endedAt!, last + limit + TICK)
  }, runs)

  it.prop("2, before the first token", [Schema.NullOr(between(1000, 2_500_000))], ([learned]) => {
    const limit = learned === null ? 1_800_000 : Math.min(1_800_000, Math.max(120_000, learned))
    const { endedAt, verdict } = play([
      opened({ learned: { gapMillis: null, firstTokenMillis: learned } }),
      headers,
      ...ticksTo(limit + 3 * TICK)
    ])
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.deepStrictEqual([verdict.kind, verdict.limit.millis], ["silent", limit])
    assert.isAbove(endedAt!, limit)
    assert.isAtMost(endedAt!, limit + TICK)
  }, { arbitrary: { runs: 200 } })

  it.prop("3: one final verdict, and nothing after it changes it", [worlds, worlds], ([world, more]) => {
    const { state, verdict } = play(inputsOf(world))
    if (state.outcome === undefined) return
    let after = state
    for (const input of inputsOf(more).slice(0, 2000)) after = step(after, { ...input, at: input.at + 1e7 })
    after = step(after, { _tag: "Cancelled", at: 2e7, by: "user" })
    assert.deepStrictEqual(verdictOf(after), verdict)
    assert.strictEqual(after, state)
  }, runs)

  it.prop("4: bound, fresh, advancing evidence that holds our request is never a stall", [
    Schema.Array(between(1, 300_000)).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
    Schema.Literals(["hidden", "waiting"]),
    Schema.Boolean
  ], ([silences, kind, begins]) => {
    const stretches = [
      ...begins ? [{ kind: "tokens" as const, millis: 10_000, gapMillis: 100 }] : [],
      ...silences.flatMap((millis) => [
        { kind, millis: millis * 4 },
        ...begins ? [{ kind: "tokens" as const, millis: 1000, gapMillis: 100 }] : []
      ])
    ]
    const { state, verdict } = play(inputsOf({ stretches, end: "open", opened: { binding: "proven" } }))
    assert.isUndefined(state.outcome, verdict._tag)
  }, runs)

  it.prop("5: metrics never lose a token", [worlds], ([world]) => {
    const inputs = inputsOf(world)
    const played = play(inputs)
    const until = played.endedAt ?? Infinity
    const bare = play(without(inputs, "Scrape", "Health").filter(({ at }) => at <= until))
    if (bare.endedAt !== played.endedAt) return
    assert.strictEqual(gist(played).tokens, gist(bare).tokens)
    const sent = inputs.filter(({ _tag, at }) => _tag === "Frame" && at <= until).length
    assert.strictEqual(gist(played).tokens, sent)
  }, runs)

  it.prop("6: comments, roles, empty deltas, constant counts and headers change nothing", [
    worlds,
    between(300, 20_000)
  ], ([world, noiseEveryMillis]) => {
    const quiet = play(inputsOf(world))
    const loud = play(inputsOf({ ...world, noiseEveryMillis }))
    assert.deepStrictEqual(gist(loud), gist(quiet))
  }, runs)

  it.prop("7: a frozen, bound engine is found within the larger limit, a scrape and two ticks", [
    between(20, 3000),
    between(5000, 120_000),
    between(0, SCRAPE - 1),
    Schema.Boolean
  ], ([gapMillis, millis, scrapeAt, waits]) => {
    const { endedAt, verdict } = play(inputsOf({
      stretches: [
        ...waits
          ? [{ kind: "waiting" as const, millis }]
          : [{ kind: "tokens" as const, millis, gapMillis }],
        { kind: "frozen", millis: 2_000_000 }
      ],
      end: "open",
      opened: { binding: "proven" },
      scrapeAt
    }))
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.strictEqual(verdict.kind, "engine-hung")
    const limits = verdict.circumstances.limits.map(({ millis }) => millis)
    assert.isAtMost(endedAt! - millis, Math.max(limits[0]!, limits[1]!) + SCRAPE + 2 * TICK)
    assert.isAbove(endedAt! - millis, 60_000 - SCRAPE)
  }, runs)

  it.prop("8: metrics of an unbound replica change nothing", [
    worldsWith(["idle replica"]),
    Schema.Literals(["frozen", "lost", "refused", "no-decode", "asleep", "restarted", "hidden"])
  ], ([world, other]) => {
    const inputs = without(inputsOf({ ...world, opened: { ...world.opened, binding: "unproven" } }), "Health")
    const replica = inputsOf({
      stretches: [{ kind: "frozen", millis: 60_000 }, { kind: other, millis: 1e7 }],
      end: "open",
      horizonMillis: inputs.at(-1)!.at
    }).filter(({ _tag }) => _tag === "Scrape")
    // What a replica decodes for others must not count as ours either, so it gets none of our tokens.
    const frozen = replica.map((input) =>
      input._tag === "Scrape" && typeof input.outcome !== "string"
        ? { ...input, outcome: { ...input.outcome, generationTokens: 5 } }
        : input
    )
    const bare = gist(play(without(inputs, "Scrape")))
    assert.deepStrictEqual(gist(play(inputs)), bare)
    const beside = gist(play(merged(without(inputs, "Scrape"), frozen)))
    assert.deepStrictEqual(beside, bare)
  }, runs)

  it.prop("9: shifting all times shifts the verdict and changes nothing in it", [
    worlds,
    between(-1_000_000_000, 1_000_000_000)
  ], ([world, shift]) => {
    const inputs = inputsOf(world)
    const here = play(inputs)
    const there = play(inputs.map((input) =>
      input._tag === "Scrape"
        ? { ...input, at: input.at + shift, askedAt: input.askedAt + shift }
        : { ...input, at: input.at + shift }
    ))
    assert.deepStrictEqual(there.verdict, here.verdict)
    assert.strictEqual(there.endedAt, here.endedAt === undefined ? undefined : here.endedAt + shift)
  }, runs)

  it.prop("10: a late tick of any length never ends a run, and moves its end by as much", [
    worlds,
    between(0, 400_000),
    between(7001, 100_000_000)
  ], ([world, at, pause]) => {
    const inputs = inputsOf({ ...world, end: "open" })
    const plain = play(inputs)
    const before = inputs.filter((input) => input.at <= at)
    if (plain.endedAt !== undefined && plain.endedAt <= before.at(-1)!.at) return
    const { state } = play(before)
    const late = step(step(state, tick(before.at(-1)!.at + pause)), tick(before.at(-1)!.at + pause))
    assert.isUndefined(late.outcome)
    assert.strictEqual(late.progress.lastMillis, state.progress.lastMillis)
    // The other inputs go on as if nothing had been, only later; the first tick stands for the one that was missed.
    const rest = inputs.filter((input) => input.at > at).map((input) => ({
      ...input,
      at: input.at + pause,
      ...input._tag === "Scrape" ? { askedAt: input.askedAt + pause } : {}
    } as Input.LivenessInput))
    const after = play([tick(before.at(-1)!.at + pause), ...rest], defaults, state)
    if (plain.endedAt === undefined) return
    assert.isDefined(after.endedAt)
    assert.isAtLeast(after.endedAt - pause, plain.endedAt - SCRAPE)
  }, runs)

  it.prop("11: after the finish reason only completion is possible, with all tokens", [
    worlds,
    Schema.Array(between(0, 10)).check(Schema.isMaxLength(8)),
    between(0, 8000)
  ], ([world, turns, every]) => {
    const inputs = inputsOf({ ...world, end: "open" })
    const before = play(inputs)
    if (before.state.outcome !== undefined) return
    let at = inputs.at(-1)!.at
    const all = gist(before).tokens! + 1
    const finished = step(before.state, frame(at, { finishReason: "length" }))
    const rest = turns.map((turn): Input.LivenessInput => {
      at += every
      return ([
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
      ] as const)[turn]!
    })
    const ticks = Array.from({ length: 12 }, (_, index) => tick(at + (index + 1) * TICK))
    const { verdict } = play([...rest, ...ticks], defaults, finished)
    if (verdict._tag !== "Completed") return assert.fail(verdict._tag)
    assert.strictEqual(verdict.tokens, all)
    assert.strictEqual(verdict.finishReason, "length")
  }, runs)

  it.prop("12: an end without a finish reason is never a completion", [
    worldsWith(allMetrics, ["done", "eof", "reset", "error", "malformed"])
  ], ([world]) => {
    const { verdict } = play(inputsOf(world))
    assert.include(["Failed", "Stalled"], verdict._tag)
  }, runs)

  it.prop(
    "13: chunks do not matter: n tokens at once are n tokens at that instant",
    [worlds, between(2, 9)],
    ([world, n]) => {
      const chunked = inputsOf({ ...world, tokensPerFrame: n })
      const single = chunked.flatMap((input) =>
        input._tag === "Frame" && input.tokens === n
          ? Array.from({ length: n }, () => ({ ...input, tokens: 1 }))
          : [input]
      )
      assert.deepStrictEqual(gist(play(single)), gist(play(chunked)))
    },
    runs
  )

  it.prop("14: slow is not final: a token makes it alive again", [worlds], ([world]) => {
    const { state, verdict } = play(inputsOf({ ...world, end: "open" }))
    if (verdict._tag !== "Slow") return
    const again = verdictOf(step(state, frame(1e8)))
    assert.strictEqual(again._tag, "Alive")
  }, runs)

  it.prop("15: a larger limit never stalls earlier", [
    worlds,
    Schema.Literals([
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
    ]),
    between(2, 4)
  ], ([world, name, factor]) => {
    const inputs = inputsOf({ ...world, end: "open" })
    const larger: LivenessLimits = { ...defaults, [name]: defaults[name] * factor }
    const plain = play(inputs)
    const patient = play(inputs, larger)
    assert.isAtLeast(patient.endedAt ?? Infinity, plain.endedAt ?? Infinity)
  }, runs)

  it.prop("16: a rising count is life even without text, a constant one is not", [
    Schema.Array(between(1000, 100_000)).check(Schema.isMinLength(2), Schema.isMaxLength(12)),
    Schema.Boolean
  ], ([gaps, rises]) => {
    let at = 0
    const frames = gaps.map((gap, index) =>
      frame(at += gap, { tokens: 0, text: false, channel: null, usage: rises ? index + 1 : 1 })
    )
    const limits = { ...defaults, silentCeilingMillis: 120_000 }
    const { endedAt, verdict } = play(merged([opened()], frames, ticksTo(at)), limits)
    if (rises) return assert.strictEqual("tokens" in verdict ? verdict.tokens : 0, gaps.length)
    const silence = at - gaps[0]!
    assert.strictEqual(endedAt !== undefined, Math.ceil(at / TICK) * TICK > gaps[0]! + 120_000, `${silence}`)
  }, runs)

  it.prop("25: only monotonic time is known, and it never runs back for a run", [
    worlds,
    Schema.Array(between(-100_000_000, 0)).check(Schema.isMinLength(1), Schema.isMaxLength(5))
  ], ([world, jumps]) => {
    // What claims to be of an earlier time happens now.
    const inputs = inputsOf(world)
    const disturbed = inputs.map((input, index) =>
      input._tag === "TransportOnly" || input._tag === "Headers"
        ? { ...input, at: input.at + jumps[index % jumps.length]! }
        : input
    )
    assert.deepStrictEqual(gist(play(disturbed)), gist(play(inputs)))
  }, runs)

  it.prop(
    "26: what arrives at the instant of a tick counts, in any order",
    [worlds, between(1, 1_000_000)],
    ([world, seed]) => {
      const random = randomOf(seed)
      const inputs = inputsOf({
        ...world,
        stretches: world.stretches.map((stretch) => ({
          ...stretch,
          millis: stretch.millis - stretch.millis % 1000 + 1000,
          gapMillis: Math.ceil((stretch.gapMillis as number) / 1000) * 1000
        })),
        end: "open",
        scrapeAt: 0
      })
      // Ticks anywhere among what else is told of their instant; the second look comes after all of it.
      const [first, ...rest] = inputs
      const shuffled = rest
        .map((input, index) => ({ input, order: input._tag === "Tick" ? random() * rest.length : index }))
        .toSorted((one, other) => one.input.at - other.input.at || one.order - other.order)
        .map(({ input }) => input)
      const looked = (list: ReadonlyArray<Input.LivenessInput>) => {
        let state = step(initial(defaults), first!)
        for (const [index, input] of list.entries()) {
          state = step(state, input)
          if (list[index + 1]?.at !== input.at) {
            state = step(state, tick(input.at))
            if (state.condemned) state = step(state, tick(input.at))
          }
          if (state.outcome !== undefined) {
            return {
              kind: state.outcome,
              at: input.at,
              tokens: gist({
                state,
                verdict: state.outcome,
                endedAt: 0,
                reasons: new Set()
              }).tokens
            }
          }
        }
        return undefined
      }
      const one = looked(rest)
      const other = looked(shuffled)
      assert.strictEqual(other?.tokens, one?.tokens)
      assert.strictEqual(other?.kind._tag, one?.kind._tag)
    },
    runs
  )

  it.prop("is total: any inputs in any order give a state and a verdict that can be stored", [
    // Also times and numbers that are none.
    // @effect-diagnostics-next-line schemaNumber:off
    Schema.Array(Schema.Tuple([between(0, 17), Schema.Number, Schema.Number])).check(Schema.isMaxLength(60))
  ], ([wild]) => {
    let state = initial({ ...defaults, failRunaway: true })
    for (const [which, at, number] of wild) state = step(state, anything(which, at, number))
    for (let index = 1; index < 5; index++) state = step(state, tick(1e15 * index))
    const verdict = verdictOf(state)
    const encoded = JSON.stringify(Schema.encodeSync(Verdict)(verdict))
    const decoded = Schema.decodeUnknownSync(Verdict)(JSON.parse(encoded))
    assert.strictEqual(JSON.stringify(Schema.encodeSync(Verdict)(decoded)), encoded)
  }, { arbitrary: { runs: 500 } })

  it.effect("reaches every verdict, every kind and every reason", () =>
    Effect.gen(function*() {
      const counts = new Map<string, number>()
      const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
      for (const world of yield* Arbitrary.sampleEffect(worlds, { count: 700, seed: 7 })) {
        const { reasons, verdict } = play(inputsOf(world))
        count(verdict._tag)
        if (verdict._tag === "Stalled") count(verdict.kind)
        for (const reason of reasons) count(reason)
      }
      for (
        const what of [
          "Alive",
          "Slow",
          "Completed",
          "Failed",
          "Stalled",
          "engine-hung",
          "engine-idle",
          "engine-dead",
          "engine-restarted",
          "orphaned",
          "decode-hung",
          "deferred-stuck",
          "silent",
          "queued",
          "prefill",
          "preempted",
          "silent-decoding",
          "engine-asleep",
          "silent-unverified"
        ]
      ) assert.isAtLeast(counts.get(what) ?? 0, 3, `${what} among ${JSON.stringify([...counts])}`)
    }))
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
