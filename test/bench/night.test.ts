/**
 * The night bench: its nights, its engine, and the model of the other policy by themselves; a short night as its users
 * start it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Answer, nightOf, type Trouble } from "../../bench/night/Night.ts"
import { NightEngine, TOKENS_PER_SECOND } from "../../bench/night/NightEngine.ts"
import type { NightRun } from "../../bench/night/NightRun.ts"
import { render } from "../../bench/night/render.ts"
import { nightResult, resultsOf } from "../../bench/night/Results.ts"
import { attemptOf, limitsOf, playTheirs } from "../../bench/night/theirs.ts"
import { parse } from "../../src/engine/MetricsText.ts"
import { sampleOf } from "../../src/liveness/EngineMetrics.ts"

const night = nightOf({ seed: 7, tasks: 20, repetitions: 20, unseen: 0.25 })

const answer = (more: Partial<Answer> = {}): Answer => ({
  seconds: 200,
  prefillSeconds: 0,
  unseen: undefined,
  lostAt: undefined,
  ...more
})

const restart: Trouble = { kind: "restart", from: 100, killedAt: 100, until: 220 }
const hang: Trouble = { kind: "hang", from: 100, killedAt: 700, until: 820 }

describe("a night", () => {
  it("is the same for everybody who asks", () => {
    const again = nightOf({ seed: 7, tasks: 20, repetitions: 20, unseen: 0.25 })
    for (const battle of night.battles) {
      assert.deepStrictEqual(night.answer(battle, 1), again.answer(battle, 1))
      const { lostAt: _, ...first } = night.answer(battle, 1)
      const { lostAt: __, ...second } = night.answer(battle, 2)
      assert.deepStrictEqual(first, second)
    }
    assert.deepStrictEqual(night.troubles, again.troubles)
    assert.notDeepEqual(night.troubles, nightOf({ ...night, seed: 8 }).troubles)
  })

  it("has battles of 150 to 300 s, and one hang in fifty attempts, each in the middle", () => {
    const answers = night.battles.flatMap((battle) => [1, 2, 3, 4, 5].map((attempt) => night.answer(battle, attempt)))
    const seconds = answers.map((each) => each.seconds)
    assert.isAtLeast(Math.min(...seconds), 150)
    assert.isAtMost(Math.max(...seconds), 300)
    assert.isAbove(Math.max(...seconds) - Math.min(...seconds), 140)
    const lost = answers.filter(({ lostAt }) => lostAt !== undefined)
    assert.closeTo(lost.length / answers.length, 0.02, 0.01)
    for (const { lostAt, seconds } of lost) assert.isTrue(lostAt! > 0 && lostAt! < seconds)
  })

  it("has one hang of the whole engine and one restart, apart from one another", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [first, second] = nightOf({ ...night, seed }).troubles
      assert.sameMembers([first!.kind, second!.kind], ["hang", "restart"])
      assert.isBelow(first!.until, second!.from)
    }
  })
})

const samples = (engine: NightEngine) => sampleOf(Result.getOrThrow(parse(engine.metrics(), () => true)))!

/** An engine with the clock of its steps. */
const engineAt = () => {
  let now = 0
  const engine = new NightEngine(() => now)
  const step = (times = 1) => {
    for (let time = 0; time < times; time++) {
      now++
      engine.step()
    }
  }
  const ask = (id: string, given: Answer) => {
    const client = { got: 0, finished: 0, lost: 0 }
    const request = engine.open(id, given, {
      tokens: (count) => {
        client.got += count
      },
      finished: () => {
        client.finished++
      },
      lost: () => {
        client.lost++
      }
    })
    return { client, close: () => engine.close(request) }
  }
  return { engine, step, ask }
}

describe("the engine of a night", () => {
  it("gives every second's tokens, but for its prefill and what is not shown, and ends once", () => {
    const { ask, engine, step } = engineAt()
    const { client } = ask("a", answer({ seconds: 10, prefillSeconds: 2, unseen: { from: 5, until: 8 } }))
    step(20)
    assert.deepStrictEqual(client, { got: 5 * TOKENS_PER_SECOND, finished: 1, lost: 0 })
    assert.deepStrictEqual(engine.ends, [
      { id: "a", how: "finished", at: 10, hungSince: undefined, tokens: 8 * TOKENS_PER_SECOND }
    ])
    const { decodeOutputs, finished, firstTokens, running } = samples(engine)
    assert.deepStrictEqual(
      { decodeOutputs, finished, firstTokens, running },
      { decodeOutputs: 8 * TOKENS_PER_SECOND - 1, finished: 1, firstTokens: 1, running: 0 }
    )
  })

  it("forgets a request and goes on with the others", () => {
    const { ask, engine, step } = engineAt()
    const lost = ask("lost", answer({ lostAt: 5 }))
    const other = ask("other", answer())
    step(20)
    assert.strictEqual(lost.client.got, 4 * TOKENS_PER_SECOND)
    assert.strictEqual(other.client.got, 20 * TOKENS_PER_SECOND)
    assert.strictEqual(samples(engine).running, 1)
    lost.close()
    other.close()
    assert.deepStrictEqual(engine.ends.map(({ at, how, hungSince }) => ({ at, how, hungSince })), [
      { at: 20, how: "closed hung", hungSince: 5 },
      { at: 20, how: "closed alive", hungSince: undefined }
    ])
  })

  it("moves nothing while it hangs, loses everything with its process, and counts anew", () => {
    const { ask, engine, step } = engineAt()
    const { client } = ask("a", answer())
    step(3)
    engine.hang()
    const before = samples(engine)
    step(60)
    assert.deepStrictEqual(samples(engine), before)
    assert.strictEqual(before.running, 1)
    engine.kill()
    assert.deepStrictEqual(client, { got: 3 * TOKENS_PER_SECOND, finished: 0, lost: 1 })
    engine.serve()
    const { decodeOutputs, running, startedAtSeconds } = samples(engine)
    assert.deepStrictEqual({ decodeOutputs, running }, { decodeOutputs: 0, running: 0 })
    assert.notStrictEqual(startedAtSeconds, before.startedAtSeconds)
    assert.deepStrictEqual(engine.ends.map(({ how }) => how), ["broken"])
  })
})

describe("the policy of fixed timeouts", () => {
  it("gives 60 s more for the first retry, and 120 s more for the second one", () => {
    assert.deepStrictEqual([0, 1, 2, 3, 4].map(limitsOf), [
      [90, 150, 270],
      [75, 135, 255],
      [100, 160, 280],
      [120, 180, 300],
      [90, 150, 270]
    ])
  })

  it("ends what lives longer than its limit, and says so", () => {
    assert.deepInclude(attemptOf([], answer(), 10, 255), { how: "finished", endsAt: 210, tokens: 6000 })
    assert.deepInclude(attemptOf([], answer(), 10, 75), { how: "killed alive", endsAt: 85, tokens: 75 * 30 })
    // In the moment of its end it has ended.
    assert.deepInclude(attemptOf([], answer(), 10, 200), { how: "finished", endsAt: 210 })
  })

  it("finds a hang only by its limit", () => {
    assert.deepInclude(attemptOf([], answer({ lostAt: 50 }), 10, 135), {
      how: "killed hung",
      endsAt: 145,
      hungSince: 60,
      tokens: 1500
    })
    assert.deepInclude(attemptOf([hang], answer(), 50, 75), { how: "killed hung", endsAt: 125, hungSince: 100 })
    assert.deepInclude(attemptOf([hang], answer(), 300, 75), { how: "killed hung", endsAt: 375, hungSince: 300 })
  })

  it("loses what is in flight with the engine's process, and waits for the next one outside its limit", () => {
    assert.deepInclude(attemptOf([restart], answer(), 50, 135), { how: "broken", endsAt: 100, tokens: 1500 })
    assert.deepInclude(attemptOf([restart], answer(), 150, 255), { how: "finished", endsAt: 420 })
    assert.deepInclude(attemptOf([hang], answer(), 690, 255), { how: "broken", endsAt: 700, tokens: 0 })
    assert.deepInclude(attemptOf([restart], answer(), 220, 255), { how: "finished", endsAt: 420 })
  })

  it("tries every battle three times at most", () => {
    const played = playTheirs(night, 16)
    assert.isAtMost(played.attempts, 3 * night.battles.length)
    assert.isAbove(played.falseKills, 0)
    assert.isBelow(played.scored, night.battles.length)
    // One at a time it takes as long as all attempts and pauses together.
    const alone = playTheirs(night, 1)
    assert.isAbove(alone.wallSeconds, 10 * played.wallSeconds)
  })
})

const run: NightRun = {
  scored: 400,
  attempts: 440,
  falseKills: 0,
  foundAfterSeconds: [10, 20, 60],
  tokensThrownAway: 100_000,
  wallSeconds: 7200,
  charged: 20,
  openings: 2,
  alarms: 1
}

describe("the results of nights", () => {
  const good = nightResult(night, run, { ...run, scored: 300, falseKills: 700, wallSeconds: 14_400 })

  it("gives ratios and medians", () => {
    assert.strictEqual(good.wallRatio, 2)
    assert.deepInclude(good.ours, { hangsFound: 3, foundP50Seconds: 20, foundP95Seconds: 60, scoredPerHour: 200 })
    const nothing = nightResult(night, { ...run, foundAfterSeconds: [] }, run)
    assert.deepInclude(nothing.ours, { hangsFound: 0, foundP50Seconds: null, foundP95Seconds: null })
    const { medians } = resultsOf([good, nothing, nothing])
    assert.deepInclude(medians, { wallRatio: 1 })
    assert.deepInclude(medians.ours, { hangsFound: 0, foundP50Seconds: 20 })
  })

  it("is missed by one false kill, or one battle without a result", () => {
    const passed = (ours: Partial<NightRun>) =>
      resultsOf([good, nightResult(night, { ...run, ...ours }, run)]).criteria.map((criterion) => criterion.passed)
    assert.deepStrictEqual(passed({}), [true, true])
    assert.deepStrictEqual(passed({ falseKills: 1 }), [false, true])
    assert.deepStrictEqual(passed({ scored: 399 }), [true, false])
  })

  it("is shown within 120 columns", () => {
    const lines = render(resultsOf([good, good])).split("\n")
    for (const line of lines) assert.isAtMost(line.length, 120)
    assert.isTrue(lines.some((line) => /^median +ours +400 of 400/.test(line)))
    assert.isTrue(render(resultsOf([good])).includes("seed 7"))
  })
})

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))

const Output = Schema.Struct({
  bench: Schema.Literal("night"),
  nights: Schema.Array(Schema.Struct({
    ours: Schema.Struct({ scored: Schema.Int, falseKills: Schema.Int, wallSeconds: Schema.Finite }),
    theirs: Schema.Struct({ falseKills: Schema.Int }),
    wallRatio: Schema.Finite
  })),
  criteria: Schema.Array(Schema.Struct({ name: Schema.String, passed: Schema.Boolean }))
})

describe("npm run bench -- night", () => {
  it.live("plays a short night with the runner itself", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* Effect.callback<{ readonly code: number; readonly stdout: string }>((resume) => {
        const child = execFile(
          process.execPath,
          [script, "night", "--nights", "1", "--tasks", "8", "--repetitions", "2", "--json"],
          (error, stdout) => resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), stdout }))
        )
        return Effect.sync(() => {
          child.kill()
        })
      })
      assert.strictEqual(code, 0)
      const { criteria, nights } = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Output))(stdout)
      assert.lengthOf(criteria, 2)
      assert.deepInclude(nights[0]!.ours, { scored: 16, falseKills: 0 })
      assert.isAbove(nights[0]!.ours.wallSeconds, 150)
      assert.isAbove(nights[0]!.theirs.falseKills, 0)
    }), 60_000)
})
