/** All that a store holds, as its readers get it: whole, in order, of one moment, from any release. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { keyOf, plan } from "../../src/campaign/Battle.ts"
import * as CampaignFacts from "../../src/campaign/CampaignFacts.ts"
import { lastStep } from "../../src/campaign/CampaignMigrations.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { attemptOf, failedOf, lastOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { writeEarlier } from "../support/earlierStores.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const temporaryFile = Effect.map(temporaryDirectory, (directory) => join(directory, "campaign.db"))
const opened = (filename: string) => Effect.map(CampaignFacts.open(filename), Option.getOrThrow)
const allOf = ({ battles }: CampaignFacts.CampaignFacts) => Stream.runCollect(battles)
const writing = (filename: string) => CampaignStore.layer({ filename, create: true })
const start = { startedAt: 1000, epoch: null }

describe("CampaignFacts", () => {
  it.live("gives every battle once in the order of the plan, with its attempts and what they said", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const tasks = Array.from({ length: 70 }, (_, index) => `task ${index}`)
      const definition = definitionOf({ tasks, repetitions: 2 })
      const battles = plan(definition)
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const desk = yield* RunnerDesk
        yield* store.create(definition, "hash")
        const epoch = yield* store.epoch({
          engine: "engine-1",
          modelId: "m",
          modelRoot: null,
          serverStartedAt: 5,
          beganAt: 6
        })
        for (const [index, battle] of battles.entries()) {
          if (index % 3 > 0) yield* store.record(failedOf(battle, yield* store.begin(battle, start)))
          if (index % 3 === 2) yield* store.record(lastOf(battle, yield* store.begin(battle, start)))
          if (index % 3 === 1) yield* store.record(attemptOf(battle, yield* store.begin(battle, start), { epoch }))
        }
        for (const [tokens, content] of [[1, "a"], [3, "b"]] as const) {
          if (tokens === 1) yield* store.begin(battles[0]!, start)
          yield* desk.advance([{
            battle: battles[0]!,
            number: 1,
            phase: "decoding",
            tokens,
            content,
            reasoning: `r${content}`,
            arrivals: [{ atMillis: tokens * 10, tokens }]
          }])
          yield* store.setState("paused")
        }
        yield* store.reopen({ ...everything, tasks: [battles[2]!.task], verdicts: ["unscored"] })
      }).pipe(Effect.provide(writing(filename), { local: true }))

      const facts = yield* opened(filename)
      assert.deepInclude(facts.campaign, { definition, configHash: "hash", state: "paused", holder: null })
      assert.deepStrictEqual(facts.epochs.map(({ id, serverStartedAt }) => [id, serverStartedAt]), [[1, 5]])
      const read = yield* allOf(facts)
      assert.deepStrictEqual(read.map(({ battle }) => battle), [...battles])
      assert.deepStrictEqual(read.map(({ position }) => position), battles.map((_, index) => index))
      const shape = read.slice(1).map(({ attempts, inFlight, outcome, reopenedAfter }) =>
        `${outcome._tag} ${attempts.map(({ counted, number, verdict }) => `${number}${verdict}${counted}`).join(" ")} ${
          inFlight.length + reopenedAfter
        }`
      )
      const expected = battles.map(({ task }, index) =>
        index % 3 === 0
          ? "Pending  0"
          : index % 3 === 1
          ? "Scored 1failedfalse 2completedtrue 0"
          : task === battles[2]!.task
          ? "Pending 1failedfalse 2failedfalse 2"
          : "Unscored 1failedfalse 2failedtrue 0"
      )
      assert.deepStrictEqual(shape, expected.slice(1))

      const [going] = read[0]!.inFlight
      assert.deepStrictEqual(TokenTimings.decode(going!.timings), [
        { atMillis: 10, tokens: 1 },
        { atMillis: 30, tokens: 3 }
      ])
      assert.deepInclude(going, { number: 1, tokens: 3, startedAt: 1000 })
      assert.strictEqual(going?.told?.phase, "decoding")
      assert.deepStrictEqual(yield* facts.transcriptOf(going!), { content: "ab", reasoning: "rarb" })
      assert.deepStrictEqual(yield* facts.transcriptOf(read[1]!.attempts[1]!), { content: "answer", reasoning: "" })
    }))

  /** As SQLite can hold it: −0 is 0, and half a surrogate pair is no character. */
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (_, part) => typeof part === "string" ? part.toWellFormed() : part)

  const records = Schema.Array(AttemptRecord).check(Schema.isMaxLength(4))

  it.effect.prop(
    "gives every attempt as it was recorded",
    [records],
    ([drawn]) =>
      Effect.gen(function*() {
        const filename = yield* temporaryFile
        const definition = definitionOf({ tasks: ["a", "b", "c", "d"] })
        const battles = plan(definition)
        const recorded = drawn.map((record, index) => ({
          ...record,
          number: 1,
          battle: battles[index]!,
          epoch: null,
          // Nobody records an attempt as abandoned.
          verdict: record.verdict === "abandoned" ? "cancelled" as const : record.verdict,
          startedAt: Math.round(record.startedAt % 1e12)
        }))
        yield* Effect.gen(function*() {
          const store = yield* CampaignStore
          yield* store.create(definition, null)
          for (const record of recorded) {
            yield* store.begin(record.battle, { startedAt: record.startedAt, epoch: null })
            yield* store.record(record)
          }
        }).pipe(Effect.provide(writing(filename), { local: true }))
        const facts = yield* opened(filename)
        const read = new Map((yield* allOf(facts)).map((found) => [keyOf(found.battle), found]))
        for (const { battle, outcome, ...record } of recorded) {
          const found = read.get(keyOf(battle))!
          const { counted, id: _, superseded, ...attempt } = found.attempts[0]!
          const transcript = yield* facts.transcriptOf(found.attempts[0]!)
          assert.deepStrictEqual(plain({ ...attempt, ...transcript }), plain(record))
          assert.deepStrictEqual([counted, superseded], [outcome._tag !== "Pending", false])
          if (outcome._tag !== "Pending") {
            assert.deepStrictEqual(plain(found.outcome), plain({ ...outcome, attempt: 1 }))
          }
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 12 } }
  )

  it.live("is of the moment in which it was opened", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const definition = definitionOf({ tasks: ["a", "b"] })
      const [first, second] = plan(definition)
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definition, null)
        yield* store.record(failedOf(first!, yield* store.begin(first!, start)))
        const facts = yield* opened(filename)
        const before = yield* allOf(facts)
        yield* store.record(attemptOf(first!, yield* store.begin(first!, start)))
        yield* store.begin(second!, start)
        assert.deepStrictEqual(yield* allOf(facts), before)
        const after = yield* allOf(yield* opened(filename))
        assert.deepStrictEqual(after.map(({ attempts, inFlight }) => [attempts.length, inFlight.length]), [
          [2, 0],
          [0, 1]
        ])
      }).pipe(Effect.provide(writing(filename), { local: true }))
    }))

  it.effect.each(Array.from({ length: lastStep - 1 }, (_, index) => index + 1))(
    "gives a store that stands at step %d as after its migration",
    (step) =>
      Effect.gen(function*() {
        const filename = yield* temporaryFile
        yield* writeEarlier(filename, step)
        const everythingIn = Effect.gen(function*() {
          const facts = yield* opened(filename)
          const battles = yield* allOf(facts)
          const texts = yield* Effect.forEach(battles.flatMap(({ attempts }) => attempts), facts.transcriptOf)
          return { campaign: facts.campaign, epochs: facts.epochs, battles, texts }
        }).pipe(Effect.scoped)
        const shown = yield* everythingIn
        yield* CampaignStore.use(() => Effect.void).pipe(Effect.provide(writing(filename), { local: true }))
        assert.deepStrictEqual(yield* everythingIn, shown)
        assert.lengthOf(shown.texts, 6)
      })
  )

  it.effect("says of an empty store that there is nothing, and of one without a file that there is none", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const error = yield* Effect.flip(CampaignFacts.open(filename))
      assert.include(error.message, "There is no file")
      new DatabaseSync(filename).exec("PRAGMA user_version = 1")
      assert.isTrue(Option.isNone(yield* CampaignFacts.open(filename)))
    }))
})
