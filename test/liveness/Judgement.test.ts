import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import { step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import { bound, every, type Inputs, LAST, merged, moving, run, ticks, twenty } from "./Runs.ts"
import { frame, opened, play, sample, scrape, tick } from "./Worlds.ts"

describe("stalled", () => {
  const stalled = (
    parts: ReadonlyArray<Inputs>,
    kind: string,
    at: number
  ) => {
    const { endedAt, verdict } = run(parts, at + 20_000)
    if (verdict._tag !== "Stalled") return assert.fail(`${verdict._tag}, expected ${kind}`)
    assert.deepStrictEqual([verdict.kind, endedAt], [kind, at])
    return verdict
  }
  /** The kind it ends with and when, in a run that goes on for a while after `at`. */
  const endOf = (parts: ReadonlyArray<Inputs>, at: number) => {
    const { endedAt, verdict } = run(parts, at + 20_000)
    return [verdict._tag === "Stalled" ? verdict.kind : verdict._tag, endedAt]
  }
  const outcomeAt = (parts: ReadonlyArray<Inputs>, to: number) => run(parts, to).state.outcome
  const FAR = 1_300_000

  it("engine-hung: stands still for 60 s as seen by a scrape, and says all it knows", () => {
    const still = every(3000, FAR, () => sample({ running: 2 }))
    const verdict = stalled([[bound], twenty, still], "engine-hung", 63_000)!
    assert.deepStrictEqual(verdict.limit, { name: "frozen", millis: 60_000, origin: "floor", learning: null })
    assert.deepStrictEqual([verdict.confidence, verdict.silentMillis, verdict.tokens], ["proved", 61_000, 20])
    const { atMillis, decidedBy, evidence, gapsMillis, limits, phases, run: name } = verdict.circumstances
    assert.deepStrictEqual(name, { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" })
    assert.deepStrictEqual([decidedBy, atMillis, evidence.binding, evidence.frozenMillis], [
      "evidence",
      63_000,
      "inherited",
      60_000
    ])
    assert.deepStrictEqual(evidence.samples.map(({ atMillis }) => atMillis), [53_000, 58_000, 63_000])
    assert.deepStrictEqual(gapsMillis, Array(8).fill(100))
    assert.deepStrictEqual(phases.map(({ phase }) => phase), ["connecting", "awaiting", "decoding"])
    assert.deepStrictEqual(limits.map(({ millis, name, origin }) => [name, millis, origin]), [
      ["suspect", 5000, "floor"],
      ["frozen", 60_000, "floor"],
      ["silent", 900_000, "not-learned"]
    ])
    const stored = JSON.parse(JSON.stringify(Schema.encodeSync(Verdict)(verdict)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Verdict)(stored), verdict)
  })

  it("engine-hung: not as long as anything moves once a minute, nor asleep, nor without a bound", () => {
    assert.isUndefined(
      outcomeAt([[bound], twenty, every(0, FAR, (turn) => sample({ heartbeat: `${Math.floor(turn / 11)}` }))], 600_000)
    )
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, () => sample({ asleep: true }))], FAR))
    assert.isUndefined(outcomeAt([[opened()], twenty, every(3000, FAR, () => sample())], 900_000))
  })

  it("engine-hung: the time asleep does not count", () => {
    const sleeps = every(0, FAR, (turn) => sample({ asleep: turn < 20, heartbeat: "same" }))
    assert.deepStrictEqual(endOf([[bound], twenty, sleeps], 95_000 + 60_000), ["engine-hung", 95_000 + 60_000])
  })

  it("engine-hung: the first run after a start, and slower engines and runs, get longer", () => {
    const still = every(3000, FAR, () => sample())
    assert.deepStrictEqual(endOf([[opened({ binding: "proven", firstRun: true })], twenty, still], 183_000), [
      "engine-hung",
      183_000
    ])
    assert.deepStrictEqual(endOf([[opened({ binding: "proven", longestStepMillis: 45_000 })], twenty, still], 93_000), [
      "engine-hung",
      93_000
    ])
    const gaps = [100, 30_100, 30_200].map((at) => frame(at))
    assert.deepStrictEqual(endOf([[bound], gaps, every(33_000, FAR, () => sample())], 123_000 + 5000 - 5000), [
      "engine-hung",
      123_000 + 5000 - 5000
    ])
  })

  it("engine-hung: a scrape counts from when it was asked for", () => {
    const late = every(3000, FAR, () => sample()).map((input) => ({ ...input, askedAt: input.at - 3000 }))
    assert.deepStrictEqual(endOf([[bound], twenty, late], 68_000), ["engine-hung", 68_000])
  })

  it("engine-idle: gauges read 0 while a stream of ours is open", () => {
    const verdict = stalled([[bound], twenty, every(0, FAR, () => sample({ running: 0 }))], "engine-idle", 15_000)!
    assert.strictEqual(verdict.limit.name, "lost")
    assert.strictEqual(verdict.confidence, "proved")
  })

  it("engine-idle: before the first token only after the time to prepare, and not proved", () => {
    const verdict = stalled(
      [[bound], every(0, FAR, () => sample({ running: 0 }), { openStreams: 0 })],
      "engine-idle",
      180_000
    )!
    assert.deepStrictEqual(verdict.limit, { name: "frozen", millis: 180_000, origin: "preparing", learning: null })
    const others = every(0, FAR, moving({ running: 0 }), { openStreams: 0 })
    const lost = stalled([[bound], others], "orphaned", 181_000)!
    assert.deepStrictEqual([lost.confidence, lost.limit.origin], ["inferred", "preparing"])
  })

  it("orphaned: fewer requests than we have open, three scrapes in a row, after our last token", () => {
    const two = { openStreams: 2 }
    assert.deepStrictEqual(endOf([[bound], twenty, every(0, FAR, moving(), two)], 15_000), ["orphaned", 15_000])
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving(), { openStreams: 1 })], 200_000))
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving(), { openStreams: null })], 200_000))
    // Every third scrape finds both.
    assert.isUndefined(outcomeAt(
      [[bound], twenty, every(0, FAR, (turn) => moving({ running: turn % 3 === 0 ? 2 : 1 })(turn), two)],
      200_000
    ))
    // Waiting ones are held too; asleep, gauges stand.
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving({ waiting: 1 }), two)], 200_000))
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving({ asleep: true }), two)], 200_000))
  })

  it("orphaned: not by evidence that has become old", () => {
    const lost = [1, 2, 3, 4].map((turn) => scrape(turn * 1000, moving({ running: 0 })(turn), { openStreams: 1 }))
    const { reasons, state } = run([[bound], [frame(0)], lost], 100_000)
    assert.isUndefined(state.outcome)
    assert.deepStrictEqual([...reasons], ["silent-unverified"])
  })

  it("orphaned and decode-hung: not by what was counted asleep", () => {
    const sleeps = (more: Partial<EngineSample>) =>
      every(0, 1_215_000, (turn) => sample({ heartbeat: `${turn}`, asleep: turn > 1 && turn < 241, ...more }))
    assert.isUndefined(outcomeAt([[bound], twenty, sleeps({})], 1_215_000))
    const empty = every(0, 105_000, (turn) => sample({ running: turn > 0 ? 0 : 1, asleep: turn > 0 && turn < 20 }))
    assert.isUndefined(outcomeAt([[bound], twenty, empty], 105_000))
    assert.strictEqual(
      stalled(
        [
          [bound],
          twenty,
          every(0, FAR, () => sample({ running: 0 }), { openStreams: null })
        ],
        "engine-idle",
        65_000
      )?.limit.name,
      "frozen"
    )
    assert.isUndefined(
      outcomeAt([[bound], twenty, every(0, FAR, moving({ running: 0 }), { openStreams: null })], 800_000)
    )
  })

  it("engine-idle: the gauges fell to 0 with the last movement", () => {
    const falls = every(0, FAR, (turn) => sample(turn === 0 ? {} : { heartbeat: "1", running: 0 }))
    assert.deepStrictEqual(endOf([[bound], twenty, falls], 15_000), ["engine-idle", 15_000])
  })

  it("orphaned: a stream that has begun is counted even where it was forgotten", () => {
    assert.deepStrictEqual(
      endOf([[bound], twenty, every(0, FAR, moving({ running: 0 }), { openStreams: 0 })], 15_000),
      [
        "orphaned",
        15_000
      ]
    )
  })

  it("orphaned: a request that is still being tokenised is not missed", () => {
    const prepares = every(0, 175_000, moving({ running: 0 }), { openStreams: 0 })
    assert.isUndefined(outcomeAt([[bound], prepares], 175_000))
  })

  it("orphaned: with one more than the begun ones, before the first token", () => {
    assert.isUndefined(outcomeAt([[bound], every(0, FAR, moving({ running: 2 }), { openStreams: 1 })], 400_000))
    assert.deepStrictEqual(endOf([[bound], every(0, FAR, moving({ running: 2 }), { openStreams: 2 })], 181_000), [
      "orphaned",
      181_000
    ])
  })

  it("engine-dead: two refused scrapes in a row and a suspect silence", () => {
    assert.deepStrictEqual(endOf([[bound], twenty, every(5000, FAR, () => "refused")], 10_000), ["engine-dead", 10_000])
    assert.isUndefined(outcomeAt([[opened()], twenty, every(5000, 100_000, () => "refused")], 100_000))
    assert.isUndefined(
      outcomeAt([[bound], twenty, every(5000, 100_000, (turn) => turn % 2 === 0 ? "refused" : "failed")], 100_000)
    )
    // One of them was before the last token.
    const refused = [scrape(1000, "refused"), scrape(6000, "refused")]
    assert.isUndefined(outcomeAt([[bound], twenty, refused], 50_000))
  })

  it("engine-dead: unhealthy for longer than a blip, and nothing moves", () => {
    const health = (...statuses: ReadonlyArray<readonly [number, number]>): Inputs =>
      statuses.map(([at, status]) => ({ _tag: "Health", at, status }))
    assert.deepStrictEqual(endOf([[bound], twenty, health([8000, 503], [13_000, 503])], 13_000), [
      "engine-dead",
      13_000
    ])
    assert.isUndefined(outcomeAt([[bound], twenty, health([8000, 503], [12_999, 503])], 100_000))
    assert.isUndefined(outcomeAt([[bound], twenty, health([8000, 503], [11_000, 200], [14_000, 503])], 100_000))
    assert.isUndefined(outcomeAt([[bound], twenty, health([1000, 503], [7000, 503])], 100_000))
    assert.isUndefined(outcomeAt([[bound], twenty, health([8000, 500], [14_000, 404])], 100_000))
    const recovers = [[bound], [frame(100)], health([8000, 503], [13_000, 503]), every(15_000, 60_000, moving())]
    assert.isUndefined(outcomeAt(recovers, 60_000))
    assert.isUndefined(
      outcomeAt([[bound], twenty, health([3000, 503]), every(0, 10_000, moving()), health([12_000, 503])], 14_000)
    )
  })

  it("engine-restarted: another process in two scrapes, by its start or by its counters", () => {
    const after = (from: Partial<EngineSample>, to: Partial<EngineSample>) =>
      every(0, FAR, (turn) =>
        sample(
          turn < 2 ? { heartbeat: `${turn}`, ...from, generationTokens: (from.generationTokens ?? 0) + turn } : to
        ))
    assert.deepStrictEqual(
      endOf(
        [[bound], twenty, after({ startedAtSeconds: 10 }, { startedAtSeconds: 20 })],
        15_000
      ),
      [
        "engine-restarted",
        15_000
      ]
    )
    const counted = { startedAtSeconds: null, generationTokens: 500 }
    assert.deepStrictEqual(
      endOf(
        [[bound], twenty, after(counted, { startedAtSeconds: null, generationTokens: 3 })],
        15_000
      ),
      [
        "engine-restarted",
        15_000
      ]
    )
  })

  it("several servers behind one address are not a restart, and refute the evidence", () => {
    const alternating = (one: Partial<EngineSample>, other: Partial<EngineSample>, period = 1): Inputs =>
      every(0, FAR, (turn) => sample(Math.floor(turn / period) % 2 === 0 ? one : other))
    const gone = [
      alternating({ startedAtSeconds: 10 }, { startedAtSeconds: 20 }),
      alternating({ startedAtSeconds: 20 }, { startedAtSeconds: 10 }),
      alternating({ startedAtSeconds: null, generationTokens: 500 }, { startedAtSeconds: null, generationTokens: 5 }),
      // The same start with counters that fall is no process that ever was.
      alternating({ generationTokens: 500 }, { generationTokens: 5 })
    ]
    for (const scrapes of gone) {
      const { state } = run([[bound], twenty, scrapes], 300_000)
      assert.strictEqual(state.binding.status, "refuted")
      assert.isUndefined(state.outcome)
    }
    const falls = every(0, FAR, (turn) => sample({ startedAtSeconds: null, generationTokens: 500 - turn }))
    assert.strictEqual(run([[bound], twenty, falls], 300_000).state.binding.status, "refuted")
  })

  it("a scrape that took long may be older than the tokens, and does not contradict them", () => {
    const contradictions = (took: number) =>
      run([
        [bound],
        twenty,
        [1000, 2000].map((at) => scrape(at, sample({ generationTokens: 5 }), { askedAt: at - took }))
      ], 3000)
        .state.binding.contradictions
    assert.deepStrictEqual([contradictions(1000), contradictions(1001)], [1, 0])
  })

  it("a server that does not serve our model is not ours", () => {
    const status = (modelServed: boolean | null) =>
      run([[bound], twenty, every(0, 10_000, moving(), { modelServed })], 10_000).state.binding.status
    assert.deepStrictEqual([status(false), status(true), status(null)], ["refuted", "proven", "proven"])
  })

  it("a stream that goes on after a restart was never with that server", () => {
    const restarts = [
      sample({ startedAtSeconds: 10, generationTokens: 100 }),
      sample({ startedAtSeconds: 20, generationTokens: 5 }),
      sample({ startedAtSeconds: 20, generationTokens: 9 })
    ]
      .map((outcome, index) => scrape(500 + index * 500, outcome))
    const { state } = run([[bound], twenty, restarts], 8000)
    assert.strictEqual(state.binding.contradictions, 1)
    assert.isUndefined(state.outcome)
    assert.strictEqual(verdictOf(state)._tag, "Slow")
  })

  it("deferred-stuck: ours is among the deferred for ten minutes, for certain", () => {
    const deferred = { running: 3, waiting: 1, deferred: 1 }
    const open = (openStreams: number) => every(0, FAR, moving(deferred), { openStreams })
    assert.deepStrictEqual(endOf([[bound], open(3)], 605_000), ["deferred-stuck", 605_000])
    assert.isUndefined(outcomeAt([[bound], open(2)], FAR))
    const released = every(0, FAR, (turn) => moving(turn === 60 ? { running: 4 } : deferred)(turn), { openStreams: 3 })
    assert.deepStrictEqual(endOf([[bound], released], 905_000), ["deferred-stuck", 905_000])
  })

  it("decode-hung: first tokens come out, and nobody gets a second one", () => {
    const prefills = (more: Partial<EngineSample>, each = 3) =>
      every(0, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: Math.floor(turn / each), ...more }))
    assert.deepStrictEqual(endOf([[bound], twenty, prefills({})], 65_000), ["decode-hung", 65_000])
    const since = every(2000, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: Math.floor(turn / 3) }))
    assert.deepStrictEqual(endOf([[bound], twenty, since], 62_000), ["decode-hung", 62_000])
    // Some request waits, perhaps ours: that takes a second witness, which here comes later.
    assert.deepStrictEqual(endOf([[bound], twenty, prefills({ waiting: 1 }, 10)], 100_000), ["decode-hung", 100_000])
    assert.deepStrictEqual(endOf([[bound], twenty, prefills({}, 10)], 65_000), ["decode-hung", 65_000])
  })

  it("decode-hung: not while somebody decodes, or those that began also ended, or nobody began", () => {
    const begins = (more: (turn: number) => Partial<EngineSample>) =>
      every(0, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: turn, ...more(turn) }))
    assert.isUndefined(
      outcomeAt([[bound], twenty, begins((turn) => ({ decodeOutputs: Math.floor(turn / 10) }))], 880_000)
    )
    assert.isUndefined(outcomeAt([[bound], twenty, begins((turn) => ({ finished: turn }))], 880_000))
    assert.isUndefined(outcomeAt([[bound], twenty, begins(() => ({ firstTokens: 1 }))], 880_000))
    assert.isUndefined(outcomeAt([[bound], begins(() => ({ running: 2 }))], 880_000))
    assert.isUndefined(outcomeAt([[bound], twenty, begins(() => ({ decodeOutputs: null }))], FAR))
  })

  it("decode-hung: after a quarter of an hour without a witness, and then not proved", () => {
    const verdict = stalled(
      [[bound], twenty, every(0, FAR, (turn) => sample({ heartbeat: `${turn}` }))],
      "decode-hung",
      905_000
    )!
    assert.deepStrictEqual([verdict.confidence, verdict.limit.name], ["inferred", "undecoded"])
  })

  it("silent: without evidence, from the last token or from when evidence last vouched", () => {
    const learned = { gapMillis: 150_000, firstTokenMillis: 200_000 }
    assert.deepStrictEqual(endOf([[opened({ learned })], twenty], LAST + 151_000), ["silent", LAST + 151_000])
    assert.deepStrictEqual(endOf([[opened({ learned })]], 201_000), ["silent", 201_000])
    const vouched = every(0, 100_000, moving())
    assert.deepStrictEqual(endOf([[opened({ learned, binding: "proven" })], twenty, vouched], 251_000), [
      "silent",
      251_000
    ])
    assert.deepStrictEqual(endOf([[opened({ learned, binding: "refuted" })], twenty, vouched], LAST + 151_000), [
      "silent",
      LAST + 151_000
    ])
    const verdict = stalled([[opened()], twenty], "silent", LAST + 901_000)!
    assert.deepStrictEqual(verdict.limit, { name: "silent", millis: 900_000, origin: "not-learned", learning: null })
    assert.strictEqual(verdict.circumstances.decidedBy, "limit")
  })

  it("evidence between the two looks acquits, and the next suspicion is looked at twice again", () => {
    const still = every(3000, 60_000, () => sample())
    const { state } = play(merged([bound], twenty, still, ticks(0, 62_000)))
    const condemned = step(step(state, scrape(63_000, sample())), tick(63_000))
    assert.isTrue(condemned.condemned)
    const acquitted = step(step(condemned, scrape(63_000, sample({ heartbeat: "1" }))), tick(63_000))
    assert.isFalse(acquitted.condemned)
    assert.strictEqual(verdictOf(acquitted)._tag, "Slow")
  })

  it("a token between the two looks acquits", () => {
    const inputs = merged([opened()], twenty, ticks(0, 903_000 - 1000))
    const { state } = play(inputs)
    const condemned = step(state, tick(903_000))
    assert.isTrue(condemned.condemned)
    assert.isUndefined(condemned.outcome)
    assert.strictEqual(step(condemned, tick(903_000)).outcome?._tag, "Stalled")
    assert.isFalse(step(condemned, frame(903_000)).condemned)
    const acquitted = step(step(condemned, frame(903_000)), tick(903_000))
    assert.strictEqual(verdictOf(acquitted)._tag, "Alive")
    const unread = step(step(condemned, { _tag: "Reading", at: 903_000, on: false }), tick(903_000))
    assert.isUndefined(unread.outcome)
    const late = step(step(condemned, tick(990_000)), tick(990_000))
    assert.isUndefined(late.outcome)
  })
})
