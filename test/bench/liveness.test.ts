/**
 * The liveness bench as its users start it, with few runs of few classes; its detectors and its criteria by themselves.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { healthyClasses, hungClasses } from "../../bench/liveness/classes.ts"
import type { Arrival, Detector } from "../../bench/liveness/Detector.ts"
import { fixed30Bytes, fixed30Frames } from "../../bench/liveness/fixedLimit.ts"
import { phiAkka, phiExponential, phiTuned } from "../../bench/liveness/phiAccrual.ts"
import { readLoop75 } from "../../bench/liveness/readLoop.ts"
import { render } from "../../bench/liveness/render.ts"
import { criteriaOf, healthyRow, hungRow, named, oursNames, type Simulation } from "../../bench/liveness/Results.ts"
import { baseline, ours, simulateHung } from "../../bench/liveness/simulate.ts"
import { twoPhase1800Bytes, twoPhase600 } from "../../bench/liveness/twoPhase.ts"
import { worldOf } from "../../bench/liveness/World.ts"
import { nothingLearned } from "../../src/liveness/LimitInForce.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { randomOf } from "../../src/testing/Random.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const bench = (...options: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = execFile(
      process.execPath,
      [script, "liveness", ...options],
      (error, stdout, stderr) =>
        resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), stdout, stderr }))
    )
    return Effect.sync(() => {
      child.kill()
    })
  })

const Criterion = Schema.Struct({
  name: Schema.String,
  wanted: Schema.String,
  measured: Schema.String,
  passed: Schema.Boolean
})
const HealthyCell = Schema.Struct({
  detector: Schema.String,
  killed: Schema.Int,
  killedPercent: Schema.Finite,
  upperBoundPercent: Schema.Finite
})
const HungCell = Schema.Struct({
  detector: Schema.String,
  p50Seconds: Schema.NullOr(Schema.Finite),
  p95Seconds: Schema.NullOr(Schema.Finite),
  killedBeforePercent: Schema.Finite,
  missedPercent: Schema.Finite
})
const Output = Schema.Struct({
  bench: Schema.Literal("liveness"),
  node: Schema.String,
  processors: Schema.Int,
  runs: Schema.Int,
  seed: Schema.Int,
  rounds: Schema.Int,
  limits: Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.Boolean])),
  simulation: Schema.NullOr(Schema.Struct({
    detectors: Schema.Array(Schema.Struct({ name: Schema.String, rule: Schema.String })),
    healthy: Schema.Array(Schema.Struct({
      class: Schema.String,
      beyond: Schema.Boolean,
      misled: Schema.Boolean,
      cells: Schema.Array(HealthyCell)
    })),
    hung: Schema.Array(Schema.Struct({ class: Schema.String, beyond: Schema.Boolean, cells: Schema.Array(HungCell) }))
  })),
  cost: Schema.NullOr(Schema.Array(Schema.Struct({
    source: Schema.Literals(["ready", "waiting"]),
    tokensPerChunk: Schema.Int,
    rounds: Schema.Int,
    bareNanosPerToken: Schema.Finite,
    watchedNanosPerToken: Schema.Finite,
    differenceMicrosPerToken: Schema.Finite,
    ratio: Schema.Finite
  }))),
  criteria: Schema.Array(Criterion)
})
const decodeOutput = Schema.decodeUnknownEffect(Schema.fromJsonString(Output), { onExcessProperty: "error" })

const simulation = ["--parts", "simulation", "--json"] as const

describe("liveness bench", () => {
  it.live("prints one JSON object, and succeeds where every criterion is met", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* bench(...simulation, "--runs", "4", "--class", "30 tok/s")
      assert.strictEqual(code, 0, stderr)
      const { cost, criteria, simulation: shown } = yield* decodeOutput(stdout)
      assert.isNull(cost)
      assert.deepStrictEqual(shown?.healthy.map((row) => row.class), ["steady, 30 tok/s"])
      assert.deepStrictEqual(shown?.hung.map((row) => row.class), ["mid-stream, 30 tok/s"])
      const names = shown?.detectors.map(({ name }) => name) ?? []
      assert.lengthOf(names, 12)
      for (const row of [...shown!.healthy, ...shown!.hung]) {
        assert.deepStrictEqual(row.cells.map(({ detector }) => detector), names)
      }
      for (const cell of shown!.healthy[0]!.cells) {
        assert.deepStrictEqual([cell.killed, cell.killedPercent], [0, 0], cell.detector)
        assert.approximately(cell.upperBoundPercent, 52.71, 0.01)
      }
      const hung = new Map(shown!.hung[0]!.cells.map((cell) => [cell.detector, cell]))
      assert.strictEqual(hung.get("in loop 75 s")?.missedPercent, 100)
      assert.isNull(hung.get("in loop 75 s")?.p50Seconds)
      assert.approximately(hung.get("300 s")!.p50Seconds!, 300, 1.5)
      assert.approximately(hung.get(oursNames.silence)!.p50Seconds!, 900, 3)
      assert.approximately(hung.get(oursNames.learned)!.p50Seconds!, 121, 3)
      assert.approximately(hung.get(oursNames.evidence)!.p50Seconds!, 65, 5)
      assert.isAtLeast(criteria.length, 5)
      assert.isTrue(criteria.every(({ passed }) => passed))
    }))

  it.live("fails with 1 and names what is missed: a limit below an engine's pauses", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* bench(
        "--parts",
        "simulation",
        "--runs",
        "5",
        "--class",
        "engine pause of 15",
        "--detector",
        "evidence",
        "--limits",
        "{\"frozenFloorMillis\":10000,\"frozenGapFactor\":0}"
      )
      assert.strictEqual(code, 1)
      assert.match(stdout, /false kills with evidence, any healthy class +none +.*NO/)
      assert.match(stderr, /bench: missed: false kills with evidence, any healthy class/)
    }))

  it.live("measures the cost of both sources, whatever it is", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* bench("--parts", "cost", "--rounds", "1", "--json")
      const { cost, criteria, simulation } = yield* decodeOutput(stdout)
      assert.isNull(simulation)
      assert.deepStrictEqual(
        cost?.map(({ source, tokensPerChunk }) => [source, tokensPerChunk]),
        [["ready", 1], ["ready", 64], ["waiting", 1], ["waiting", 64]]
      )
      for (const { bareNanosPerToken } of cost ?? []) assert.isAbove(bareNanosPerToken, 0)
      assert.lengthOf(criteria, 4)
      assert.strictEqual(code, criteria.every(({ passed }) => passed) ? 0 : 1)
    }))

  it.live("knows wrong usage", () =>
    Effect.gen(function*() {
      for (
        const options of [["--class", "no such class"], ["--detector", "none"], ["--limits", "{\"x\":1}"], [
          "--runs",
          "0"
        ]]
      ) {
        const { code, stdout } = yield* bench(...options)
        assert.deepStrictEqual([code, stdout], [2, ""], options.join(" "))
      }
    }))
})

describe("the simulation", () => {
  it("says the same for the same seed, and another thing for another", () => {
    const slow = hungClasses.find(({ name }) => name.startsWith("of a slow stream"))!
    const delays = (seed: number) =>
      simulateHung(slow, { limits: defaults, runs: 5, seed, contenders: [fixed30Frames, phiTuned].map(baseline) })
    assert.deepStrictEqual(delays(1), delays(1))
    assert.notDeepEqual(delays(1), delays(2))
  })

  it("counts every run once: given up before the hang, after it, or not within the hour", () => {
    const queued = hungClasses.find(({ name }) => name.startsWith("while queued"))!
    const contenders = [fixed30Frames, readLoop75].map(baseline)
    const [timer, loop] = simulateHung(queued, { limits: defaults, runs: 40, seed: 1, contenders })
    assert.isTrue(timer!.killedBefore > 10 && timer!.killedBefore < 40, String(timer!.killedBefore))
    assert.strictEqual(timer!.killedBefore + timer!.delays.length, 40)
    assert.isTrue(timer!.delays.every((delay) => delay > 0 && delay <= 31_000))
    assert.deepStrictEqual(loop, { killedBefore: 0, delays: [], missed: 40 })
  })

  it("tells ours of the streams beside it, so that a lost request is missed among them", () => {
    const lost = hungClasses.find(({ name }) => name === named.lost)!
    const contenders = [ours(defaults, "ours", "", { evidence: true, learned: false })]
    const [found] = simulateHung(lost, { limits: defaults, runs: 20, seed: 1, contenders })
    assert.lengthOf(found!.delays, 20)
    assert.isBelow(Math.max(...found!.delays), 20_000)
  })

  it("ticks no baseline while the client stands still, and first when it wakes", () => {
    const { plan } = healthyClasses.find(({ name }) => name.startsWith("client paused"))!
    const world = worldOf(plan, randomOf(1), "finish")
    const { from, to } = world.pause!
    const events: Array<readonly [what: string, at: number]> = []
    const spy: Detector = { name: "", rule: "", start: () => (what, at) => events.push([what, at]) < 0 }
    baseline(spy).judgeFor(() => nothingLearned)(world)
    assert.deepStrictEqual(events.find(([, at]) => at >= from), ["tick", to])
    assert.isTrue(events.every(([, at], index) => index === 0 || at >= events[index - 1]![1]))
    const ticks = events.filter(([what]) => what === "tick").length
    assert.approximately(ticks, (world.until - (to - from)) / 1000, 2)
  })
})

/** When a detector gives up a stream on which these things come in; undefined: not by `until`. */
const givenUp = (detector: Detector, arrivals: ReadonlyArray<readonly [at: number, what: Arrival]>, until: number) => {
  const watcher = detector.start()
  const ticks = Array.from({ length: until / 1000 }, (_, index) => [(index + 1) * 1000, "tick"] as const)
  const events = [...arrivals, ...ticks].toSorted(([one], [other]) => one - other)
  return events.find(([at, what]) => watcher(what, at))?.[0]
}

const every = (millis: number, from: number, to: number, what: Arrival = "token") =>
  Array.from({ length: Math.floor((to - from) / millis) + 1 }, (_, index) => [from + index * millis, what] as const)

describe("the baselines", () => {
  it("count what their rules say, from the last thing that counts", () => {
    const tokens = every(100, 500, 10_000)
    const comments = every(15_000, 500, 3_000_000, "comment")
    const role = [[300, "role"]] as const
    const silent = 3_000_000
    const rows: ReadonlyArray<readonly [Detector, tokens: number, comments: number | undefined, role: number]> = [
      [fixed30Frames, 41_000, 31_000, 31_000],
      [fixed30Bytes, 41_000, undefined, 31_000],
      [twoPhase600, 131_000, 601_000, 601_000],
      [twoPhase1800Bytes, 611_000, undefined, 1_801_000],
      [phiTuned, 44_000, 601_000, 601_000],
      [phiExponential, 20_000, 601_000, 601_000]
    ]
    for (const [detector, ...expected] of rows) {
      assert.deepStrictEqual(
        [tokens, comments, role].map((arrivals) => givenUp(detector, arrivals, silent)),
        expected,
        detector.name
      )
    }
  })

  it("phi begins with Akka's guesses and forgets them: phi 8 is 5.6 deviations over mean and pause", () => {
    // 2000 gaps of 100 ms: mean 100 + 3000, deviation 100 at least; 3.66 s.
    assert.strictEqual(givenUp(phiAkka, every(100, 0, 200_000), 300_000), 204_000)
    // What has left the window counts no more.
    assert.strictEqual(givenUp(phiAkka, [...every(5000, 0, 95_000), ...every(100, 100_000, 210_000)], 300_000), 214_000)
    // One gap and the guesses 750 and 1250 ms: mean 1000, deviation 204; 3 + 1 + 5.6 x 0.2 = 5.15 s.
    assert.strictEqual(givenUp(phiAkka, every(1000, 0, 1000), 300_000), 7000)
  })

  it("a check in the read loop finds no hang, and gives up what proves that it lives", () => {
    assert.isUndefined(givenUp(readLoop75, every(100, 0, 1000), 3_600_000))
    assert.isUndefined(givenUp(readLoop75, every(75_000, 0, 300_000), 300_000))
    assert.strictEqual(givenUp(readLoop75, every(76_000, 0, 300_000), 300_000), 76_000)
    assert.strictEqual(givenUp(readLoop75, [[10, "headers"], [80_000, "token"]], 300_000), 80_000)
  })
})

describe("the criteria", () => {
  const tallies = (killed: ReadonlyArray<number>) => killed.map((killed) => ({ killed }))
  const names = Object.values(oursNames)
  const healthy = (name: string, ...killed: ReadonlyArray<number>) =>
    healthyRow(healthyClasses.find((one) => one.name.startsWith(name))!, names, tallies(killed), 1000)
  const hung = (name: string, delaySeconds: number, more = {}) =>
    hungRow(
      hungClasses.find((one) => one.name.startsWith(name))!,
      names,
      names.map(() => ({
        delays: [delaySeconds * 1000],
        killedBefore: 0,
        missed: 0,
        ...more
      })),
      1000
    )
  const missed = (part: Partial<Simulation>) =>
    criteriaOf({ detectors: [], healthy: [], hung: [], ...part }, null).filter(({ passed }) => !passed).map((
      { name, wanted }
    ) => `${name}: ${wanted}`)

  it("refuse any false kill with evidence, and more than 1.5 % without", () => {
    assert.deepStrictEqual(missed({ healthy: [healthy("steady", 15, 15, 0), healthy("metrics", 15, 15, 15)] }), [])
    assert.match(
      missed({ healthy: [healthy("steady", 0, 0, 1)] }).join(),
      /^false kills with evidence, any healthy class: none$/
    )
    assert.match(
      missed({ healthy: [healthy("metrics", 0, 0, 16)] }).join(),
      /^false kills with the evidence of another[^,]*$/
    )
    for (const row of [healthy("steady", 16, 0, 0), healthy("steady", 0, 16, 0)]) {
      assert.match(missed({ healthy: [row] }).join(), /^false kills without evidence, any class: at most 1.5 %$/)
    }
    assert.match(
      missed({ healthy: [healthy("client paused", 0, 1, 0)] }).join(),
      /^false kills without evidence of a paused[^,]*: none$/
    )
    assert.deepStrictEqual(missed({ healthy: [healthy("engine pause of 60", 1000, 1000, 1000)] }), [])
  })

  it("refuse late verdicts, early ones and none", () => {
    assert.deepStrictEqual(
      missed({ hung: [hung("mid-stream, 30", 66), hung("server dead", 15), hung("request lost", 20)] }),
      []
    )
    assert.match(missed({ hung: [hung("mid-stream, 30", 66.1)] }).join(), /^hang mid-stream.*p50: at most 66 s$/)
    assert.lengthOf(missed({ hung: [hung("mid-stream, 30", 101)] }), 2)
    assert.match(missed({ hung: [hung("server dead", 15.1)] }).join(), /p95: at most 15 s$/)
    assert.match(missed({ hung: [hung("request lost", 20.1)] }).join(), /p95: at most 20 s$/)
    for (const more of [{ missed: 1 }, { killedBefore: 1 }]) {
      assert.match(missed({ hung: [hung("decode", 60, more)] }).join(), /^hangs found with evidence/)
    }
    assert.deepStrictEqual(missed({ hung: [hung("lost among", 60, { missed: 900 })] }), [])
  })

  it("are about what was measured only, and are shown with the tables in 120 columns", () => {
    assert.deepStrictEqual(criteriaOf(null, null), [])
    const simulation: Simulation = {
      detectors: names.map((name) => ({ name, rule: "so" })),
      healthy: [healthy("steady", 0, 500, 999)],
      hung: [hung("mid-stream, 30", 63.4, { killedBefore: 120, missed: 34 })]
    }
    const shown = render({ simulation, cost: null, criteria: criteriaOf(simulation, null) })
    assert.match(shown, /steady, 30 tok\/s +0 \(0\.3\) +50 \(52\.6\) +99\.9 \(100\)/)
    assert.match(shown, /mid-stream, 30 tok\/s( +63\/63 \[12\] \(84\.6\)){3}/)
    for (const line of shown.split("\n")) assert.isAtMost(line.length, 120, line)
  })
})
