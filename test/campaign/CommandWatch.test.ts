// What another terminal asks of a campaign that runs: it is done, and answered, also where it ends the run.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { Artifact, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import { Command, nothingMatches } from "../../src/campaign/StoredCommand.ts"
import * as storedControl from "../../src/campaign/storedControl.ts"
import * as StoreFile from "../../src/campaign/StoreFile.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { Finish } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { definitionOf, plainRunner, seats } from "../support/campaigns.ts"

const result = (task: string) =>
  Artifact.make({
    artifactId: "result",
    name: "result",
    parts: [{
      _tag: "Data",
      data: {
        results: [{ task, participant: "agent", grade: fromTests([{ outcome: "passed" }]), reason: null }]
      }
    }]
  } as never)

/** Every answer takes 10 s and is right. */
const client = Layer.succeed(A2aClient, {
  check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
  send: ({ data }: { readonly data?: unknown }) => {
    const task = /"id":"(\w+)"/.exec(JSON.stringify(data))?.[1] ?? "a"
    return Stream.make<ReadonlyArray<TaskEvent>>(said("x"), Finish.make({ reason: "stop" }), result(task)).pipe(
      Stream.rechunk(1),
      Stream.mapEffect((event) => Effect.as(Effect.sleep(3333), event))
    )
  }
} as never)

/** Asks after 15 s, when one round is over and the next in flight; gives the answer and what came of it all. */
const play = (command: Command, tasks: ReadonlyArray<string>, askAgain?: Command) =>
  Effect.gen(function*() {
    const store = yield* CampaignStore
    const desk = yield* RunnerDesk
    yield* store.create(definitionOf({ tasks, repetitions: 4, concurrency: 2 }), null)
    const events: Array<CampaignEvent> = []
    const running = yield* Effect.forkChild(CampaignRunner.run({
      campaign: yield* Effect.flatMap(store.load, Effect.fromOption),
      seats,
      // Whoever shows it may take a moment, in which the run is over already.
      onEvent: (event) =>
        Effect.andThen(
          Effect.sync(() => events.push(event)),
          event._tag === "Stopping" ? Effect.sleep(50) : Effect.void
        )
    }))
    yield* TestClock.adjust(15_000)
    const id = yield* desk.request(command)
    yield* TestClock.adjust(1000)
    const answer = yield* desk.answerOf(id)
    const again = askAgain === undefined ? undefined : yield* desk.request(askAgain)
    yield* TestClock.adjust(200_000)
    const end = yield* Fiber.join(running)
    const { attempts, battles } = yield* Effect.flatMap(store.load, Effect.fromOption)
    const outcomes = battles.map(({ battle, outcome }) => `${battle.task}${battle.repetition} ${outcome._tag}`)
    return {
      answer: Option.getOrUndefined(answer),
      again: again === undefined ? undefined : Option.getOrUndefined(yield* desk.answerOf(again)),
      end,
      outcomes: outcomes.toSorted(),
      verdicts: attempts.map(({ verdict }) => verdict),
      changed: events.flatMap((event) => event._tag === "OutcomesChanged" ? [event.battles.length] : [])
    }
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.mergeAll(client, CampaignStore.layerMemory, plainRunner))
  )

const scoredOf = (outcomes: ReadonlyArray<string>) => outcomes.filter((text) => text.endsWith("Scored")).length

describe("a running campaign", () => {
  it.effect("finishes what is in flight and begins nothing more when it is paused", () =>
    Effect.gen(function*() {
      const { answer, end, outcomes, verdicts } = yield* play(Command.cases.Pause.make({}), ["a"])
      assert.strictEqual(answer, "pausing: 2 battles in flight will be finished first")
      assert.deepStrictEqual(end._tag, "Paused")
      assert.strictEqual(scoredOf(outcomes), 4)
      assert.deepStrictEqual(verdicts, ["completed", "completed", "completed", "completed"])
    }).pipe(Effect.orDie))

  it.effect("answers before it ends at once", () =>
    Effect.gen(function*() {
      const paused = yield* play(Command.cases.PauseNow.make({}), ["a", "b"])
      assert.strictEqual(paused.answer, "paused: 2 battles in flight will be played again")
      assert.strictEqual(paused.outcomes.filter((text) => text.endsWith("Pending")).length, 6)
      const cancelled = yield* play(Command.cases.Cancel.make({}), ["a", "b"])
      assert.strictEqual(cancelled.answer, "cancelled: 6 battles will have no score")
      assert.strictEqual(cancelled.end._tag, "Cancelled")
      assert.strictEqual(cancelled.outcomes.filter((text) => text.endsWith("Unscored")).length, 6)
    }).pipe(Effect.orDie))

  it.effect("gives up only the chosen battles that nobody has begun, and plays the rest", () =>
    Effect.gen(function*() {
      const selection = { ...everything, tasks: ["a"] }
      const { answer, changed, end, outcomes, verdicts } = yield* play(Command.cases.Cancel.make({ selection }), [
        "a",
        "b"
      ])
      // One of each task is scored, one of each is in flight, and goes on.
      assert.strictEqual(answer, "2 battles will have no score; the campaign goes on with the rest")
      assert.deepStrictEqual(changed, [2])
      assert.strictEqual(end._tag, "Ended")
      const ofTask = (task: string) => outcomes.filter((text) => text.startsWith(task)).map((text) => text.slice(3))
      assert.deepStrictEqual(ofTask("a").toSorted(), ["Scored", "Scored", "Unscored", "Unscored"])
      assert.deepStrictEqual(ofTask("b"), ["Scored", "Scored", "Scored", "Scored"])
      assert.deepStrictEqual(new Set(verdicts), new Set(["completed"]))
    }).pipe(Effect.orDie))

  it.effect("plays again what was given up, once somebody asks for it", () =>
    Effect.gen(function*() {
      const selection = { ...everything, tasks: ["a"] }
      const retry = Command.cases.Retry.make({ selection: { ...selection, verdicts: ["unscored"] } })
      const { again, outcomes } = yield* play(Command.cases.Cancel.make({ selection }), ["a", "b"], retry)
      assert.strictEqual(again, "2 battles will be played again")
      assert.strictEqual(scoredOf(outcomes), 8)
      const none = yield* play(
        retry,
        ["a", "b"],
        Command.cases.Cancel.make({ selection: { ...selection, agents: ["z"] } })
      )
      assert.deepStrictEqual([none.answer, none.again], [nothingMatches, nothingMatches])
    }).pipe(Effect.orDie))
})

describe("a stored request", () => {
  it.effect("is read as it was written, and a cancellation of an earlier release as one of everything", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* StoreFile.prepare
      const selection = { ...everything, agents: ["x"] }
      const commands = [
        Command.cases.Pause.make({}),
        Command.cases.PauseNow.make({}),
        Command.cases.Cancel.make({}),
        Command.cases.Cancel.make({ selection }),
        Command.cases.Retry.make({ selection })
      ]
      for (const command of commands) yield* storedControl.request(sql, command, 1)
      const stored = yield* storedControl.requests(sql)
      assert.deepStrictEqual(stored.map(({ command }) => command), commands)
      const [earlier] = yield* sql`SELECT arguments FROM command WHERE command_id = 3`
      assert.deepStrictEqual(earlier, { arguments: "{}" })
    }).pipe(Effect.provide(NodeSqlite.layer({ filename: ":memory:", create: true })), Effect.orDie))
})
