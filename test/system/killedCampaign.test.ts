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
import { killAt, type Kind, MOMENTS, momentsDrawn, scoredIn } from "../support/killMoments.ts"
import { type BattleFacts, factsOf } from "../support/storedFacts.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const SEED = 1
const TASKS = 20
const REPETITIONS = 10
const BATTLES = TASKS * REPETITIONS
/** Words of an answer; each is one token. */
const WORDS = 24
/** Answers of a task before one comes again. */
const ANSWERS = 300

const pieces = Array.from({ length: TASKS }, (_, index) => String(index + 10))
/** "p17n042", again and again: an answer to the task of piece 17. */
const answerOf = (piece: string, number: number) =>
  Array(WORDS).fill(`p${piece}n${String(number).padStart(3, "0")}`).join(" ")

const definition = (url: string): Definition => {
  const [first, ...rest] = pieces.map((piece) => ({
    id: `piece-${piece}`,
    prompt: `Recite piece ${piece}.`,
    // Whether the answer is whole is looked at below: a pattern would be matched in a process of its own each time.
    grader: { _tag: "TextMatch" as const, rule: { _tag: "Contains" as const, expected: `p${piece}n` } }
  }))
  return {
    ...definitionOf({ repetitions: REPETITIONS, concurrency: 4 }),
    ...underTest({ _tag: "Model", model: "simulated-model", maxTokens: 1000 }, url),
    tasks: [first!, ...rest]
  }
}

/** Milliseconds between tokens with which a battle takes some 150 ms. */
const FAST = 5
/** No answer ends before the runner has told its store, after a second, what has come so far. */
const SLOW = 70

const engine = Effect.gen(function*() {
  const layer = Simulator.layer({
    host: "127.0.0.1",
    port: 0,
    timeToFirstTokenMillis: 10,
    interTokenMillis: FAST,
    answers: {
      _tag: "Script",
      entries: pieces.map((piece) => ({
        pattern: `piece ${piece}`,
        answers: [answerOf(piece, 0), ...Array.from({ length: ANSWERS - 1 }, (_, index) => answerOf(piece, index + 1))]
      }))
    }
  })
  const { url } = Context.get(yield* Layer.build(layer), Simulator)
  const pace = (millis: number) =>
    Effect.promise(() =>
      fetch(`${url}/admin/config`, { method: "POST", body: JSON.stringify({ "inter-token-latency": millis }) })
    )
  return { url: `${url}/v1`, pace }
})

/** The scored battles, with what their scores rest on. */
const results = (battles: ReadonlyArray<BattleFacts>): ReadonlyMap<string, string> =>
  new Map(
    battles.flatMap(({ attempts, battle, countedAttempt, state }) =>
      state === "scored" ? [[battle, `${countedAttempt} ${attempts[countedAttempt! - 1]?.content}`]] : []
    )
  )

const wordsOf = (content: string): ReadonlyArray<string> => content === "" ? [] : content.split(" ")

/** Each battle has one result, whole and of one request, and what was abandoned is there and counts nowhere. */
const assertOnce = (battles: ReadonlyArray<BattleFacts>) => {
  assert.lengthOf(battles, BATTLES)
  const told: Array<string> = []
  let [abandoned, withTokens] = [0, 0]
  for (const { attempts, battle, countedAttempt, score, state, task } of battles) {
    assert.deepStrictEqual([state, score], ["scored", 1], battle)
    assert.deepStrictEqual(attempts.map(({ number }) => number), attempts.map((_, index) => index + 1), battle)
    // The last one, because nothing is played after a score.
    assert.strictEqual(countedAttempt, attempts.length, battle)
    for (const { arrived, charged, content, counted, number, superseded, tokens, verdict } of attempts) {
      const counts = number === countedAttempt
      const where = `${battle}, attempt ${number}`
      const expected = { verdict: counts ? "completed" : "abandoned", counted: counts, charged: counts }
      assert.deepStrictEqual({ verdict, counted, charged, superseded }, { ...expected, superseded: false }, where)
      const words = wordsOf(content)
      assert.deepStrictEqual([tokens, arrived], [words.length, words.length], where)
      if (counts) assert.lengthOf(words, WORDS, where)
      const requests = new Set(words)
      assert.isAtMost(requests.size, 1, `${where}: ${content}`)
      for (const request of requests) assert.strictEqual(`piece-${request.slice(1, 3)}`, task, where)
      told.push(...requests)
      if (!counts) abandoned++
      if (!counts && words.length > 0) withTokens++
    }
  }
  assert.lengthOf(new Set(told), told.length, "a request whose text stands in two attempts")
  return { abandoned, withTokens }
}

const killedCampaign = Effect.fnUntraced(function*(seed: number, environment: Readonly<Record<string, string>>) {
  const directory = yield* temporaryDirectory
  const database = join(directory, "c.db")
  const copy = join(yield* temporaryDirectory, "copy.db")
  const { pace, url } = yield* engine
  yield* CampaignStore.use((store) => store.create(definition(url), null)).pipe(
    Effect.provide(CampaignStore.layer({ filename: database, create: true }))
  )
  const next = momentsDrawn(SeededRandom.make(seed))
  const killed: Array<Kind> = []
  let known: ReadonlyMap<string, string> = new Map()
  let startMillis = 1000
  for (let lives = 1; killed.length < MOMENTS; lives++) {
    assert.isAtMost(lives, MOMENTS + 10, "some may end by themselves, as the last battle does")
    const moment = next(BATTLES - known.size, startMillis)
    yield* pace(moment.kind === "report" ? SLOW : FAST)
    yield* Effect.scoped(Effect.gen(function*() {
      const bornAt = performance.now()
      const life = yield* start(["resume", "--db", "c.db", "--ui", "plain"], { directory, environment })
      life.child.stderr!.once("data", () => {
        startMillis = performance.now() - bornAt
      })
      if (yield* killAt(life, moment, database)) killed.push(moment.kind)
      else assert.match(life.stdout(), /^Campaign /, `${moment.kind}: ${life.stderr()}`)
      assert.isFalse(life.anyLeft())

      const { battles, integrity } = factsOf(database, copy)
      assert.strictEqual(integrity, "ok")
      const now = results(battles)
      for (const [battle, result] of known) assert.strictEqual(now.get(battle), result, `lost or changed: ${battle}`)
      const said = scoredIn(life.stderr())
      for (const battle of said) assert.isTrue(now.has(battle), `said to be scored: ${battle}`)
      assert.isAtLeast(now.size, known.size + Math.max(said.length, moment.scored))
      known = now
    }))
  }

  const { code, stderr, stdout } = yield* run(["resume", "--db", "c.db", "--json"], { directory, environment })
  assert.strictEqual(code, 0, stderr)
  // No log, no lock.
  assert.deepStrictEqual(readdirSync(directory), ["c.db"])
  const { battles, integrity, progress } = factsOf(database, copy)
  assert.deepStrictEqual({ integrity, progress }, { integrity: "ok", progress: 0 })
  const { abandoned, withTokens } = assertOnce(battles)
  const summary = JSON.parse(stdout)
  assert.deepStrictEqual(summary.battles, { planned: BATTLES, scored: BATTLES, unscored: 0, pending: 0 })
  assert.deepStrictEqual([summary.score, summary.passed, summary.tokens], [1, BATTLES, BATTLES * WORDS])
  assert.deepInclude(summary.attempts, { total: BATTLES + abandoned, completed: BATTLES, abandoned })
  return { killed, abandoned, withTokens }
})

describe("a campaign of 200 battles whose process is killed at random moments", () => {
  it.live(
    "has 200 results, none lost, none doubled, and no token of an abandoned attempt in any",
    () =>
      Effect.gen(function*() {
        const environment = { NODE_COMPILE_CACHE: yield* temporaryDirectory }
        // Only a process that ends by itself leaves a cache of its code.
        yield* run(["resume", "--help"], { environment })
        const { abandoned, killed, withTokens } = yield* killedCampaign(SEED, environment)

        assert.lengthOf(killed, 100)
        const killsOf = (kind: Kind) => killed.filter((other) => other === kind).length
        // The moments were what they are called: those in the middle left attempts open, with what had come of them.
        assert.isAtLeast(abandoned, killsOf("play") + killsOf("commit"))
        assert.isAtLeast(withTokens, killsOf("report"))
        // How many battles a life plays depends on the machine, and when they are all played only starts are left to kill.
        assert.isAtLeast(killsOf("start"), 12)
        assert.isAtLeast(killsOf("play"), 20)
        assert.isAtLeast(killsOf("commit"), 8)
      }),
    400_000
  )
})
