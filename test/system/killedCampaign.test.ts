/**
 * The promise that a campaign survives the night, from outside: the command is killed again and again, with no chance to
 * say goodbye, and goes on each time from what it has stored.
 *
 * The simulated engine answers each request with one word, again and again, that no other answer has. So a text says of
 * itself which request it is from, and whether it is whole.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { definitionOf, underTest } from "../support/campaigns.ts"
import { run, start } from "../support/command.ts"
import { hasBegun, killAt, type Kind, kinds, momentsDrawn, scoredIn } from "../support/killMoments.ts"
import { type BattleFacts, factsOf } from "../support/storedFacts.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const KILLS = 100
const TASKS = 20
const REPETITIONS = 10
const BATTLES = TASKS * REPETITIONS
const CONCURRENCY = 4
const SEED = 20_261
/** Words of an answer; each is one token. */
const WORDS = 24
/** Answers of a task before one comes again. */
const ANSWERS = 300

const pieces = Array.from({ length: TASKS }, (_, index) => String(index + 10))
/** "p17n042": the 42nd answer to the task of piece 17. */
const answerOf = (piece: string, number: number) =>
  Array(WORDS).fill(`p${piece}n${String(number).padStart(3, "0")}`).join(" ")

const definition = (url: string): Definition => {
  const [first, ...rest] = pieces.map((piece) => ({
    id: `piece-${piece}`,
    prompt: `Recite piece ${piece}.`,
    grader: {
      _tag: "TextMatch" as const,
      rule: { _tag: "Regex" as const, pattern: `^(p${piece}n\\d{3})( \\1){${WORDS - 1}}$` }
    }
  }))
  return {
    ...definitionOf({ repetitions: REPETITIONS, concurrency: CONCURRENCY }),
    ...underTest({ _tag: "Model", model: "simulated-model", maxTokens: 1000 }, url),
    tasks: [first!, ...rest]
  }
}

/** A battle takes about 150 ms. */
const FAST = { "inter-token-latency": 5 }
/** Nothing ends before the runner has told its store, after a second, what has come so far. */
const SLOW = { "inter-token-latency": 70 }

const engine = Effect.gen(function*() {
  const layer = Simulator.layer({
    host: "127.0.0.1",
    port: 0,
    timeToFirstTokenMillis: 10,
    interTokenMillis: FAST["inter-token-latency"],
    answers: {
      _tag: "Script",
      entries: pieces.map((piece) => ({
        pattern: `piece ${piece}`,
        answers: [answerOf(piece, 0), ...Array.from({ length: ANSWERS - 1 }, (_, index) => answerOf(piece, index + 1))]
      }))
    }
  })
  const { url } = Context.get(yield* Layer.build(layer), Simulator)
  const pace = (latency: object) =>
    Effect.promise(() => fetch(`${url}/admin/config`, { method: "POST", body: JSON.stringify(latency) }))
  return { url: `${url}/v1`, pace }
})

/** The scored battles, with what their scores rest on. */
const results = (battles: ReadonlyArray<BattleFacts>): ReadonlyMap<string, string> =>
  new Map(battles.flatMap(({ attempts, battle, countedAttempt, state }) =>
    state === "scored" ? [[battle, `${countedAttempt} ${attempts[countedAttempt! - 1]?.content}`]] : []
  ))

const wordsOf = (content: string) => new Set(content.split(" ").filter((word) => word !== ""))

describe("a campaign of 200 battles whose process is killed at 100 random moments", () => {
  it.live("has 200 results, none lost, none doubled, and no token of an abandoned attempt in any", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const elsewhere = yield* temporaryDirectory
      const database = join(directory, "c.db")
      const { pace, url } = yield* engine
      const environment = { NODE_COMPILE_CACHE: join(elsewhere, "cache") }
      // Only a process that ends by itself leaves a cache of its code.
      yield* run(["--version"], { environment })
      yield* CampaignStore.use((store) => store.create(definition(url), null)).pipe(
        Effect.provide(CampaignStore.layer({ filename: database, create: true }))
      )

      const next = momentsDrawn(SeededRandom.make(SEED))
      const killed: Record<Kind, number> = { start: 0, play: 0, commit: 0, report: 0, end: 0 }
      let known: ReadonlyMap<string, string> = new Map()
      let startMillis = 1000
      const walls: Record<string, number> = {}
      const sum = () => kinds.reduce((sum, kind) => sum + killed[kind], 0)
      for (let lives = 0; sum() < KILLS; lives++) {
        assert.isBelow(lives, KILLS + 20, "lives that end by themselves")
        const moment = next(BATTLES - known.size, startMillis)
        yield* pace(moment.kind === "report" ? SLOW : FAST)
        yield* Effect.scoped(Effect.gen(function*() {
          const bornAt = performance.now()
          const life = yield* start(["resume", "--db", "c.db", "--ui", "plain"], { directory, environment })
          life.child.stderr!.once("data", () => {
            startMillis = performance.now() - bornAt
          })
          const w0 = performance.now()
          if (yield* killAt(life, moment, database)) killed[moment.kind]++
          else assert.match(life.stdout(), /^Campaign /, `${moment.kind}: ${life.stderr()}`)
          walls[moment.kind] = (walls[moment.kind] ?? 0) + performance.now() - w0
          assert.isFalse(life.anyLeft())

          const { battles, integrity } = factsOf(database, join(elsewhere, "copy.db"))
          assert.strictEqual(integrity, "ok")
          const now = results(battles)
          for (const [battle, result] of known) assert.strictEqual(now.get(battle), result, `lost or changed: ${battle}`)
          for (const battle of scoredIn(life.stderr())) assert.isTrue(now.has(battle), `said to be scored: ${battle}`)
          if (hasBegun(life.stderr())) assert.isAtLeast(now.size, known.size + moment.scored * 0)
          known = now
        }))
      }

      const { code, stderr, stdout } = yield* run(["resume", "--db", "c.db", "--json"], { directory, environment })
      assert.strictEqual(code, 0, stderr)
      const summary = JSON.parse(stdout)
      assert.deepStrictEqual(summary.battles, { planned: BATTLES, scored: BATTLES, unscored: 0, pending: 0 })
      assert.deepStrictEqual([summary.score, summary.passed, summary.tokens], [1, BATTLES, BATTLES * WORDS])
      // One file: no log, no lock.
      assert.deepStrictEqual(readdirSync(directory), ["c.db"])

      const { battles, integrity, progress } = factsOf(database, join(elsewhere, "copy.db"))
      assert.deepStrictEqual({ integrity, progress }, { integrity: "ok", progress: 0 })
      assert.lengthOf(battles, BATTLES)
      const told: Array<string> = []
      let [abandoned, whatTheyHad] = [0, 0]
      for (const { attempts, battle, countedAttempt, score, state, task } of battles) {
        assert.deepStrictEqual([state, score], ["scored", 1], battle)
        assert.deepStrictEqual(attempts.map(({ number }) => number), attempts.map((_, index) => index + 1), battle)
        // The last one, because nothing is played after a score.
        assert.strictEqual(countedAttempt, attempts.length, battle)
        for (const attempt of attempts) {
          const counts = attempt.number === countedAttempt
          const ended = counts ? "completed" : "abandoned"
          const { charged, counted, superseded, verdict } = attempt
          assert.deepStrictEqual({ charged, counted, superseded, verdict }, {
            charged: counts,
            counted: counts,
            superseded: false,
            verdict: ended
          }, `${battle}, attempt ${attempt.number}`)
          const words = wordsOf(attempt.content)
          const length = attempt.content === "" ? 0 : attempt.content.split(" ").length
          assert.deepStrictEqual([attempt.tokens, attempt.arrived], [length, length], battle)
          if (!counts) abandoned++
          if (!counts && length > 0) whatTheyHad++
          if (counts) assert.strictEqual(length, WORDS)
          // All of one request, of this task.
          if (length > 0) assert.deepStrictEqual(words.size, 1, attempt.content)
          for (const word of words) assert.strictEqual(`piece-${word.slice(1, 3)}`, task)
          told.push(...words)
        }
      }
      // No request's text stands in two attempts.
      assert.strictEqual(new Set(told).size, told.length)
      assert.strictEqual(summary.attempts.abandoned, abandoned)
      assert.strictEqual(summary.attempts.total, BATTLES + abandoned)
      // The moments were what they are called.
      assert.isAtLeast(abandoned, KILLS)
      assert.isAtLeast(whatTheyHad, killed.report)
      console.log(JSON.stringify({ killed, abandoned, whatTheyHad, startMillis, cpu: process.cpuUsage(), walls }))
    }), 300_000)
})
