/**
 * Property 22: whenever a campaign is killed, and however often, going on with its store ends it with exactly one result
 * for every battle, and nothing of an attempt that was abandoned is part of one.
 *
 * Killed means that nothing reaches the store any more, not even what an interruption would still write: the store stops
 * to answer for ever at an operation, before, after or while carrying it out, or at a moment. In the middle of one the
 * database rolls back what is not committed, as it does when it is opened after its process was killed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { Artifact, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { type Battle, keyOf } from "../../src/campaign/Battle.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Finish } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { definitionOf, plainRunner, seats } from "../support/campaigns.ts"
import { runs } from "../support/propertyRuns.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Script = Schema.Struct({
  tasks: between(1, 2),
  repetitions: between(1, 2),
  concurrency: between(1, 3),
  /** What the agent does at successive requests; the last one again and again. */
  answers: Schema.Array(Schema.Struct({
    ends: Schema.Literals(["scored", "scored", "failed", "rejected", "no result"]),
    /** So many tokens, each after so many milliseconds. */
    tokens: between(0, 5),
    gapMillis: Schema.Literals([0, 100, 1500])
  })).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
  /** The processes that are killed, one after the other; the one after them is not. */
  kills: Schema.Array(Schema.Union([
    Schema.Struct({ when: Schema.Literals(["before", "during", "after"]), operation: between(1, 8) }),
    Schema.Struct({ when: Schema.Literal("at"), millis: Schema.Union([between(0, 2000), between(2000, 8000)]) })
  ])).check(Schema.isMaxLength(3))
})
type Script = typeof Script.Type
type Kill = Script["kills"][number]

const grade = fromTests([{ outcome: "passed" }])
const result = Artifact.make({
  artifactId: "result",
  name: "result",
  parts: [{ _tag: "Data", data: { results: [{ task: "a", participant: "agent", grade, reason: null }] } }]
} as never)

/** What one request is answered with; every answer's tokens say which it is. */
const answerOf = ({ ends, gapMillis, tokens }: Script["answers"][number], answer: number) => {
  const spoken = Stream.fromIterable([
    ...Array.from({ length: tokens }, (_, index): TaskEvent => said(`${answer}.${index} `)),
    ...ends === "scored" ? [Finish.make({ reason: "stop" }), result] : []
  ]).pipe(
    Stream.rechunk(1),
    Stream.mapEffect((event) => gapMillis === 0 ? Effect.succeed(event) : Effect.as(Effect.sleep(gapMillis), event))
  )
  return ends === "failed" || ends === "rejected"
    ? Stream.concat(
      spoken,
      Stream.fail(
        new Failed({
          hop: "engine",
          tokens,
          reason: ends === "failed" ? { _tag: "Truncated" } : { _tag: "Rejected", status: 400, detail: "no" }
        })
      )
    )
    : spoken
}

/** All that is said by the answer with this number. */
const textOf = (tokens: number, answer: number) =>
  Array.from({ length: tokens }, (_, index) => `${answer}.${index} `).join("")

/** Store and desk as a process sees them that is killed: once it is dead, nothing comes back and nothing is written. */
const mortal = (
  store: CampaignStore["Service"],
  desk: RunnerDesk["Service"],
  sql: SqlClient.SqlClient,
  kill: Kill | undefined,
  written: Array<AttemptRecord>
) => {
  let operations = 0
  let dead = false
  let isOver = false
  const never = Effect.suspend(() => {
    isOver = true
    return Effect.never
  })
  const operate = <A, E>(effect: Effect.Effect<A, E>, isRecord = false) =>
    Effect.suspend((): Effect.Effect<A, E> => {
      if (dead) return Effect.never
      operations++
      if (kill === undefined || kill.when === "at" || kill.operation !== operations) return effect
      dead = true
      switch (kill.when) {
        case "before":
          return never
        case "during":
          // The trigger would meet what others do at the same time.
          if (!isRecord) return Effect.andThen(effect, never)
          return Effect.orDie(sql`CREATE TEMP TRIGGER killed BEFORE UPDATE ON battle
            BEGIN SELECT RAISE(FAIL, 'killed'); END`).pipe(
            Effect.andThen(Effect.ignore(effect)),
            Effect.andThen(Effect.orDie(sql`DROP TRIGGER killed`)),
            Effect.andThen(never)
          )
        case "after":
          return Effect.andThen(effect, never)
      }
    })
  return {
    isDead: () => isOver,
    die: () => {
      dead = true
    },
    store: CampaignStore.of({
      create: (...given) => operate(store.create(...given)),
      extend: (...given) => operate(store.extend(...given)),
      load: operate(store.load),
      begin: (...given) => operate(store.begin(...given)),
      record: (attempt) =>
        operate(Effect.tap(store.record(attempt), () => Effect.sync(() => written.push(attempt))), true),
      abandon: operate(store.abandon),
      epoch: (epoch) => operate(store.epoch(epoch)),
      epochs: operate(store.epochs),
      reopen: (selection) => operate(store.reopen(selection)),
      giveUp: (...given) => operate(store.giveUp(...given)),
      setState: (state) => operate(store.setState(state))
    }),
    desk: RunnerDesk.of({
      advance: (news) => operate(desk.advance(news)),
      report: (state) => operate(desk.report(state)),
      request: (command) => operate(desk.request(command)),
      // Asked twice a second, so that hardly anything else would be killed.
      requests: Effect.suspend(() => dead ? Effect.never : desk.requests),
      asked: desk.asked,
      answer: (...given) => operate(desk.answer(...given)),
      answerOf: (id) => operate(desk.answerOf(id))
    })
  }
}

/** Longer than all attempts of a campaign take, one after the other. */
const LONG_ENOUGH_SECONDS = 3600

const play = (script: Script) =>
  Effect.gen(function*() {
    const real = yield* CampaignStore
    const realDesk = yield* RunnerDesk
    const sql = yield* SqlClient.SqlClient
    const definition = definitionOf({
      tasks: ["a", "b"].slice(0, script.tasks),
      repetitions: script.repetitions,
      concurrency: script.concurrency
    })
    yield* real.create(definition, null)
    let sent = 0
    const client = Layer.succeed(A2aClient, {
      check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
      send: (): Stream.Stream<TaskEvent, RunError> =>
        Stream.suspend(() => {
          const answer = sent++
          return answerOf(script.answers[Math.min(answer, script.answers.length - 1)]!, answer)
        })
    })
    const written: Array<AttemptRecord> = []
    /** Battles that were done when a process began: it must leave them alone. */
    const begunAgain: Array<Battle> = []
    for (const kill of [...script.kills, undefined]) {
      const { desk, die, isDead, store } = mortal(real, realDesk, sql, kill, written)
      const done = new Set<string>()
      const life = yield* Effect.gen(function*() {
        yield* store.abandon
        const campaign = yield* Effect.flatMap(store.load, Effect.fromOption)
        for (const { battle, outcome } of campaign.battles) if (outcome._tag !== "Pending") done.add(keyOf(battle))
        yield* CampaignRunner.run({
          campaign,
          seats,
          onEvent: (event) =>
            Effect.sync(() => {
              if (event._tag === "AttemptBegan" && done.has(keyOf(event.battle))) begunAgain.push(event.battle)
            })
        })
      }).pipe(
        Effect.provide([
          client,
          Layer.succeed(CampaignStore, store),
          Layer.succeed(RunnerDesk, desk),
          Layer.fresh(plainRunner)
        ]),
        // A dead process never ends, so nobody may wait for it.
        Effect.forkDetach({ startImmediately: true })
      )
      if (kill?.when === "at") yield* TestClock.adjust(kill.millis)
      else {
        for (
          let seconds = 0;
          seconds < LONG_ENOUGH_SECONDS && !isDead() && life.pollUnsafe() === undefined;
          seconds += 5
        ) {
          yield* TestClock.adjust("5 seconds")
        }
      }
      if (kill === undefined) {
        yield* Fiber.join(life)
        continue
      }
      // Whatever the process still does from here on comes to nothing; what is left of it must not disturb the next one.
      die()
      life.interruptUnsafe()
      yield* Effect.yieldNow
    }
    const stored = yield* Effect.flatMap(real.load, Effect.fromOption)
    return { definition, stored, written, begunAgain, sent }
  }).pipe(
    Effect.provide(
      Layer.fresh(Layer.provideMerge(
        CampaignStore.layerNoDeps,
        NodeSqlite.layer({ filename: ":memory:", create: true })
      ))
    ),
    Effect.orDie
  )

describe("property 22", () => {
  it.effect.prop(
    "a campaign that is killed anywhere ends with one result for every battle",
    [Script],
    ([script]) =>
      Effect.gen(function*() {
        const { begunAgain, definition, stored, written } = yield* play(script)
        assert.lengthOf(stored.battles, definition.tasks.length * definition.repetitions)
        assert.deepStrictEqual(begunAgain, [])
        // What the store has is what was written, and nothing was written twice.
        const numbers = stored.attempts.map(({ battle, number }) => `${keyOf(battle)} ${number}`)
        assert.deepStrictEqual(numbers, [...new Set(numbers)])
        const ended = stored.attempts.filter(({ verdict }) => verdict !== "abandoned")
        const recorded = new Set(written.map(({ battle, number }) => `${keyOf(battle)} ${number}`))
        assert.deepStrictEqual(new Set(ended.map(({ battle, number }) => `${keyOf(battle)} ${number}`)), recorded)
        for (const { battle, outcome } of stored.battles) {
          if (outcome._tag === "Pending") return assert.fail("a battle is left without a result")
          const attempts = written.filter((attempt) => keyOf(attempt.battle) === keyOf(battle))
          // Every number was given once; those that nobody has recorded were their process's last.
          const given = stored.attempts.filter((attempt) => keyOf(attempt.battle) === keyOf(battle))
          assert.deepStrictEqual(given.map(({ number }) => number), given.map((_, index) => index + 1))
          const abandoned = given.filter(({ verdict }) => verdict === "abandoned")
          assert.isAtMost(abandoned.length, script.kills.length)
          for (const attempt of abandoned) assert.isFalse(attempt.charged)
          const settling = attempts.filter((attempt) => attempt.outcome._tag !== "Pending")
          assert.lengthOf(settling, 1)
          const [counted] = settling
          assert.strictEqual(outcome.attempt, counted!.number)
          assert.strictEqual(attempts.at(-1), counted)
          assert.strictEqual(outcome._tag === "Scored", counted!.verdict === "completed")
        }
        const answers: Array<string> = []
        for (const { content, tokens, verdict } of written) {
          assert.strictEqual(tokens, content.split(" ").length - 1)
          const answer = Number.parseInt(content, 10)
          if (Number.isNaN(answer)) continue
          // Nothing of any other attempt is in it, and all of it, but where it was cut short.
          const whole = textOf(script.answers[Math.min(answer, script.answers.length - 1)]!.tokens, answer)
          if (verdict === "cancelled") assert.isTrue(whole.startsWith(content))
          else assert.strictEqual(content, whole)
          answers.push(String(answer))
        }
        assert.deepStrictEqual(answers, [...new Set(answers)])
      }),
    // A case is many seconds of virtual time, in which all watches of a runner wake up.
    { ...runs, arbitrary: { runs: Math.ceil(runs.arbitrary.runs / 5) } }
  )
})
