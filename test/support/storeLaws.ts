/**
 * What every store of a campaign and every desk beside it must hold, whoever implements them: call `storeLaws` and
 * `deskLaws` in a test file with the name of yours and its layer. Each test builds the layer anew.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { type Battle, keyOf, Outcome } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything, type Selection } from "../../src/campaign/Selection.ts"
import { Command } from "../../src/campaign/StoredCommand.ts"
import { attemptOf, failedOf, grade, lastOf, truncated } from "./attempts.ts"
import { definitionOf } from "./campaigns.ts"

const definition = definitionOf({ tasks: ["a", "b"], repetitions: 2 })
const battle: Battle = { task: "a", agent: "agent-1", repetition: 1 }
const start = { startedAt: 1_795_000_000_000, epoch: null }

const loaded = Effect.flatMap(CampaignStore.use((store) => store.load), Effect.fromOption)
const outcomes = Effect.map(loaded, ({ battles }) => battles.map(({ outcome }) => outcome._tag))
const found = Effect.map(
  loaded,
  ({ battles }) => battles.find((each) => each.battle.task === "a" && each.battle.repetition === 1)!
)
const created = Effect.gen(function*() {
  const store = yield* CampaignStore
  yield* store.create(definition, "hash-1")
  return store
})

/** Puts the laws of `CampaignStore` to an implementation; `runs` of them are drawn stories. */
export const storeLaws = <E>(
  name: string,
  implementation: Layer.Layer<CampaignStore, E>,
  runs: number
) => {
  const fresh = Layer.fresh(implementation)

  describe(`${name}, as a CampaignStore,`, () => {
    it.effect("is empty, then holds the campaign with all battles pending", () =>
      Effect.gen(function*() {
        const store = yield* CampaignStore
        assert.isTrue(Option.isNone(yield* store.load))
        yield* store.create(definition, "hash-1")
        assert.deepInclude(yield* loaded, { definition, configHash: "hash-1", state: "running", attempts: [] })
        assert.deepStrictEqual(yield* outcomes, ["Pending", "Pending", "Pending", "Pending"])
        const again = yield* Effect.flip(store.create(definition, "hash-1"))
        assert.strictEqual(again.reason._tag, "Query")
      }).pipe(Effect.provide(fresh)))

    it.effect("keeps attempts with what they make of their battle", () =>
      Effect.gen(function*() {
        const store = yield* created
        assert.strictEqual(yield* store.begin(battle, start), 1)
        assert.strictEqual(yield* store.record(failedOf(battle, 1)), "kept")
        assert.deepStrictEqual(yield* found, {
          battle,
          outcome: { _tag: "Pending" },
          history: [{ error: truncated, charged: true }],
          attempts: 1
        })
        assert.strictEqual(yield* store.begin(battle, start), 2)
        assert.strictEqual(yield* store.record(attemptOf(battle, 2)), "counted")
        assert.deepStrictEqual(yield* found, {
          battle,
          outcome: Outcome.cases.Scored.make({ grade, attempt: 2 }),
          history: [],
          attempts: 2
        })
        const { attempts } = yield* loaded
        assert.deepStrictEqual(attempts.map(({ number, verdict }) => [number, verdict]), [
          [1, "failed"],
          [2, "completed"]
        ])
        assert.deepStrictEqual(attempts[1], {
          battle,
          number: 2,
          verdict: "completed",
          startedAt: start.startedAt,
          tokens: 17,
          tokenBasis: "usage",
          mode: "stream",
          timeToFirstTokenMillis: 400.25,
          tokensPerSecond: 50.5,
          durationMillis: 1234.5,
          superseded: false,
          charged: true,
          epoch: null
        })
      }).pipe(Effect.provide(fresh)))

    it.effect("refuses attempts that never began, have ended, are not planned or come after the outcome", () =>
      Effect.gen(function*() {
        const store = yield* created
        const unknown = { ...battle, task: "unknown" }
        assert.include((yield* Effect.flip(store.record(attemptOf(battle, 1)))).message, "never begun")
        assert.include((yield* Effect.flip(store.begin(unknown, start))).message, "no battle unknown")
        yield* store.begin(battle, start)
        yield* store.record(attemptOf(battle, 1))
        assert.include((yield* Effect.flip(store.record(lastOf(battle, 1)))).message, "has ended already, completed")
        const { reason } = yield* Effect.flip(store.begin(battle, start))
        assert.deepStrictEqual(reason, { _tag: "NotPending", battle: "a × agent-1 #1", state: "scored" })
        assert.strictEqual((yield* found).outcome._tag, "Scored")
        assert.strictEqual((yield* loaded).attempts.length, 1)
      }).pipe(Effect.provide(fresh)))

    it.effect("keeps what an older attempt brings late, and lets it change nothing", () =>
      Effect.gen(function*() {
        const store = yield* created
        yield* store.begin(battle, start)
        yield* store.begin(battle, start)
        assert.strictEqual(yield* store.record(failedOf(battle, 1, { content: "late" })), "superseded")
        assert.deepInclude(yield* found, { outcome: { _tag: "Pending" }, history: [] })
        assert.strictEqual(yield* store.record(lastOf(battle, 2)), "counted")
        assert.deepStrictEqual(
          (yield* loaded).attempts.map(({ charged, superseded, verdict }) => [verdict, superseded, charged]),
          [["failed", true, false], ["failed", false, true]]
        )
      }).pipe(Effect.provide(fresh)))

    it.effect("ends what a process that is gone has left, and never counts it", () =>
      Effect.gen(function*() {
        const store = yield* created
        yield* store.begin(battle, start)
        yield* store.begin({ ...battle, task: "b" }, start)
        assert.strictEqual(yield* store.abandon, 2)
        assert.strictEqual(yield* store.abandon, 0)
        for (const attempt of (yield* loaded).attempts) {
          assert.deepInclude(attempt, { verdict: "abandoned", charged: false, superseded: false, tokens: 0 })
        }
        assert.strictEqual(yield* store.record(attemptOf(battle, 1)), "superseded")
        assert.deepInclude(yield* found, { outcome: { _tag: "Pending" }, history: [], attempts: 1 })
        assert.deepInclude((yield* loaded).attempts[0], { verdict: "completed", superseded: true, tokens: 17 })
      }).pipe(Effect.provide(fresh)))

    it.effect("opens again what is unscored and matches, with a history that begins anew", () =>
      Effect.gen(function*() {
        const store = yield* created
        yield* store.begin(battle, start)
        yield* store.record(failedOf(battle, 1))
        yield* store.begin(battle, start)
        yield* store.record(lastOf(battle, 2))
        const other = { ...battle, task: "b" }
        yield* store.begin(other, start)
        yield* store.record(attemptOf(other, 1))
        assert.strictEqual(yield* store.giveUp({ ...everything, tasks: ["b"] }, "cancelled by its user"), 1)
        assert.lengthOf(yield* store.reopen({ ...everything, verdicts: ["stalled", "slow"] }), 0)
        assert.lengthOf(yield* store.reopen({ ...everything, tasks: ["b"], verdicts: ["failed"] }), 0)
        assert.lengthOf(yield* store.reopen({ ...everything, agents: ["nobody"] }), 0)
        assert.deepStrictEqual(yield* store.reopen({ ...everything, verdicts: ["failed"] }), [battle])
        assert.deepStrictEqual(yield* found, { battle, outcome: { _tag: "Pending" }, history: [], attempts: 2 })
        assert.strictEqual(yield* store.begin(battle, start), 3)
        yield* store.record(failedOf(battle, 3))
        assert.strictEqual((yield* found).history.length, 1)
        assert.lengthOf(yield* store.reopen({ ...everything, verdicts: ["unscored"] }), 1)
        assert.deepStrictEqual((yield* outcomes).toSorted(), ["Pending", "Pending", "Pending", "Scored"])
        // It was its user who gave it up, whatever its attempts had ended with before.
        assert.strictEqual(yield* store.giveUp({ ...everything, tasks: ["a"] }, "cancelled by its user"), 2)
        assert.lengthOf(yield* store.reopen({ ...everything, tasks: ["a"], verdicts: ["failed"] }), 0)
      }).pipe(Effect.provide(fresh)))

    it.effect("gives up what is pending and matches; an attempt in flight is superseded, also if it is opened again", () =>
      Effect.gen(function*() {
        const store = yield* created
        yield* store.begin(battle, start)
        assert.strictEqual(yield* store.giveUp(everything, "no", [{ ...battle, repetition: 2 }]), 1)
        assert.strictEqual(yield* store.giveUp(everything, "cancelled by its user"), 3)
        assert.deepStrictEqual(
          (yield* found).outcome,
          Outcome.cases.Unscored.make({ reason: "cancelled by its user", attempt: 0 })
        )
        assert.lengthOf(yield* store.reopen({ ...everything, tasks: ["a"] }), 2)
        assert.strictEqual(yield* store.record(attemptOf(battle, 1)), "superseded")
        assert.strictEqual((yield* found).outcome._tag, "Pending")
        assert.strictEqual(yield* store.giveUp({ ...everything, verdicts: ["failed"] }, "no"), 0)
        assert.strictEqual(yield* store.begin(battle, start), 2)
        yield* store.record(failedOf(battle, 2))
        assert.strictEqual(yield* store.giveUp({ ...everything, verdicts: ["failed"] }, "no"), 1)
      }).pipe(Effect.provide(fresh)))

    it.effect("takes a definition with more battles, and none with fewer", () =>
      Effect.gen(function*() {
        const store = yield* created
        yield* store.begin(battle, start)
        yield* store.record(attemptOf(battle, 1))
        const more = definitionOf({ tasks: ["b", "c", "a"], repetitions: 3 })
        const { reason } = yield* Effect.flip(store.extend(definitionOf({ tasks: ["b", "c"], repetitions: 9 }), null))
        assert.deepStrictEqual(reason, {
          _tag: "NotExtended",
          missing: 2,
          example: reason._tag === "NotExtended" ? reason.example : ""
        })
        yield* store.extend(more, "hash-2")
        const { battles, configHash, definition: stored } = yield* loaded
        assert.deepStrictEqual([battles.length, configHash, stored], [9, "hash-2", more])
        assert.deepStrictEqual(
          battles.filter(({ outcome }) => outcome._tag !== "Pending").map(({ battle }) => battle),
          [
            battle
          ]
        )
        assert.strictEqual(new Set(battles.map((each) => JSON.stringify(each.battle))).size, 9)
      }).pipe(Effect.provide(fresh)))

    it.effect("keeps epochs and the state", () =>
      Effect.gen(function*() {
        const store = yield* created
        const epoch = { engine: "engine-1", modelId: "m", modelRoot: null, serverStartedAt: 1.5, beganAt: 7 }
        const id = yield* store.epoch(epoch)
        assert.deepStrictEqual(yield* store.epochs, [{ id, ...epoch }])
        yield* store.begin(battle, { ...start, epoch: id })
        yield* store.record(attemptOf(battle, 1, { epoch: id }))
        assert.strictEqual((yield* loaded).attempts[0]?.epoch, id)
        assert.isTrue(
          Option.isNone(yield* Effect.option(store.begin({ ...battle, task: "b" }, { ...start, epoch: 99 })))
        )
        yield* store.setState("paused")
        assert.strictEqual((yield* loaded).state, "paused")
      }).pipe(Effect.provide(fresh)))

    it.effect.prop(
      "settles a battle at most once by one attempt, and never takes a score back, whatever is done to it",
      [Stories],
      ([moves]) => play(moves).pipe(Effect.provide(fresh)),
      { arbitrary: { runs } }
    )
  })
}

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Something that is done to a store. */
export const Move = Schema.Union([
  Schema.Struct({ what: Schema.Literal("begin"), battle: between(0, 3) }),
  Schema.Struct({
    what: Schema.Literal("record"),
    /** One of the attempts begun so far, by whomever, the newest first. */
    which: between(0, 4),
    ends: Schema.Literals(["scored", "failed", "unscored"])
  }),
  Schema.Struct({
    what: Schema.Literals(["reopen", "giveUp"]),
    battle: between(0, 3),
    verdicts: Schema.Array(Schema.Literals(["failed", "stalled", "unscored"])).check(Schema.isMaxLength(1))
  }),
  Schema.Struct({ what: Schema.Literal("abandon") })
])
export type Move = typeof Move.Type
export const Stories = Arbitrary.array(Arbitrary.schema(Move), { minLength: 8, maxLength: 40 })

const storied: ReadonlyArray<Battle> = ["a", "b"].map((task) => ({ task, agent: "agent-1", repetition: 1 }))
/** One battle more often than the other, so that long stories happen to it. */
const battleOf = (drawn: number) => storied[drawn === 3 ? 1 : 0]!

/** Does all of it, and gives every answer. What is refused is told by the tag of its reason. */
export const answersTo = Effect.fnUntraced(function*(moves: ReadonlyArray<Move>) {
  const store = yield* CampaignStore
  yield* store.create(definitionOf({ tasks: ["a", "b"] }), null)
  const begun: Array<{ readonly battle: Battle; readonly number: number }> = []
  const answers: Array<unknown> = []
  for (const [index, move] of moves.entries()) {
    const answer = yield* Effect.match(
      Effect.gen(function*() {
        switch (move.what) {
          case "begin": {
            const drawn = battleOf(move.battle)
            const number = yield* store.begin(drawn, { startedAt: index, epoch: null })
            begun.push({ battle: drawn, number })
            return number
          }
          case "record": {
            const attempt = begun.at(-1 - move.which) ?? begun[0]
            return attempt === undefined ? "nothing" : yield* store.record(recordOf(attempt, move.ends))
          }
          case "abandon":
            return yield* store.abandon
          default: {
            const selection: Selection = { verdicts: move.verdicts, tasks: [battleOf(move.battle).task], agents: [] }
            return move.what === "giveUp"
              ? yield* store.giveUp(selection, "given up")
              : yield* store.reopen(selection)
          }
        }
      }),
      { onSuccess: (value): unknown => value, onFailure: ({ reason }) => reason._tag }
    )
    const { attempts, battles } = yield* Effect.flatMap(store.load, Effect.fromOption)
    answers.push({ move, answer, attempts, battles })
  }
  return answers
})

const recordOf = (
  { battle, number }: { readonly battle: Battle; readonly number: number },
  ends: "scored" | "failed" | "unscored"
): AttemptRecord => ({ scored: attemptOf, failed: failedOf, unscored: lastOf })[ends](battle, number)

const play = Effect.fnUntraced(function*(moves: ReadonlyArray<Move>) {
  const store = yield* CampaignStore
  const answers = yield* answersTo(moves)
  const scores = new Map<string, Outcome>()
  for (const each of answers as ReadonlyArray<Pick<Effect.Success<typeof loaded>, "attempts" | "battles">>) {
    for (const { battle, outcome } of each.battles) {
      const key = keyOf(battle)
      if (scores.has(key)) assert.deepStrictEqual(outcome, scores.get(key))
      if (outcome._tag === "Scored") scores.set(key, outcome)
      const own = each.attempts.filter((attempt) => keyOf(attempt.battle) === key)
      assert.deepStrictEqual(
        own.filter(({ superseded }) => superseded).filter(({ charged }) => charged),
        [],
        "what is superseded is free of charge"
      )
      if (outcome._tag === "Scored") {
        const rests = own.find(({ number }) => number === outcome.attempt)
        assert.deepInclude(rests, { verdict: "completed", superseded: false })
        assert.isTrue(own.every(({ number, superseded }) => number <= outcome.attempt || superseded))
      }
    }
  }
  // Nothing is begun after an outcome, and numbers have no gaps.
  for (const { attempts, battle, outcome } of (yield* Effect.flatMap(store.load, Effect.fromOption)).battles) {
    const number = yield* Effect.option(store.begin(battle, start))
    assert.deepStrictEqual(number, outcome._tag === "Pending" ? Option.some(attempts + 1) : Option.none())
  }
})

/** Puts the laws of `RunnerDesk` to an implementation, whose clock is the test's. */
export const deskLaws = <E>(name: string, implementation: Layer.Layer<RunnerDesk, E>) =>
  describe(`${name}, as a RunnerDesk,`, () => {
    it.effect("keeps what is asked until it is answered, once, and wakes who waits for it", () =>
      Effect.gen(function*() {
        const desk = yield* RunnerDesk
        assert.deepStrictEqual(yield* desk.requests, [])
        const waiting = yield* Effect.forkChild(desk.asked, { startImmediately: true })
        const retry = Command.cases.Retry.make({ selection: { ...everything, tasks: ["a"] } })
        const first = yield* desk.request(retry)
        const second = yield* desk.request(Command.cases.PauseNow.make({}))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(waiting)
        assert.deepStrictEqual((yield* desk.requests).map(({ command, id }) => [id, command]), [
          [first, retry],
          [second, { _tag: "PauseNow" }]
        ])
        assert.isTrue(Option.isNone(yield* desk.answerOf(first)))
        yield* desk.answer(first, "2 battles are played again")
        yield* desk.answer(first, "something else")
        assert.deepStrictEqual(yield* desk.answerOf(first), Option.some("2 battles are played again"))
        assert.deepStrictEqual((yield* desk.requests).map(({ id }) => id), [second])
      }).pipe(Effect.provide(Layer.fresh(implementation))))
  })
