/** A green agent with graders and a card of its own, as its clients see it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { agent, ask, said } from "../support/agents.ts"

const haiku = Grader.own({
  settings: Schema.Struct({ about: Schema.NonEmptyString }),
  grade: ({ answer, settings: { about } }) =>
    Effect.succeed({ score: answer.includes(about) ? 1 : 2, explanation: `about ${about}` })
})

const green = GreenAgent.layer({
  host: "127.0.0.1",
  port: 0,
  description: {
    name: "haiku jury",
    description: "Grades haiku.",
    version: "7",
    skill: { id: "jury", name: "jury", description: "Grades haiku.", tags: ["evaluation"] }
  }
}).pipe(Layer.provide([Grader.layerOwn({ haiku }), A2aClient.layer, Ticker.layer()]))

const requestOf = (participant: string, ...graders: ReadonlyArray<object>) =>
  JSON.stringify({
    participants: { poet: participant },
    config: { tasks: graders.map((grader, index) => ({ id: `t${index}`, prompt: "Write.", grader })) }
  })

describe("a green agent of one's own", () => {
  it.live("says who it is, and grades by its own functions; what goes wrong in them is no score", () =>
    Effect.gen(function*() {
      const { url } = yield* GreenAgent
      const card = yield* Effect.promise(() =>
        fetch(`${url}.well-known/agent-card.json`).then((response) => response.json() as Promise<any>)
      )
      assert.deepStrictEqual([card.name, card.version, card.skills[0].id], ["haiku jury", "7", "jury"])
      const purple = yield* agent(() => Stream.make(said("a frog")))
      const own = (about: string) => ({ _tag: "Own", kind: "haiku", settings: { about } })
      const { events } = yield* ask(url, requestOf(purple.url, own("frog"), own("whale")))
      const artifact = events.find((event) => event._tag === "Artifact")
      const part = artifact?.parts[0]
      const { results } = (part?._tag === "Data" ? part.data : {}) as { readonly results: ReadonlyArray<any> }
      assert.deepStrictEqual(results.map(({ grade, reason }) => [grade?.score, reason]), [
        [1, null],
        [
          undefined,
          "green agent: answered 500: the grader failed: the grader \"haiku\" failed: it gave a score of 2, and scores are "
          + "from 0 to 1"
        ]
      ])
    }).pipe(Effect.provide(green), Effect.scoped))

  it.live("refuses, in a line and before anything is played, what it cannot grade", () =>
    Effect.gen(function*() {
      const { url } = yield* GreenAgent
      const cases: ReadonlyArray<readonly [grader: object, line: string]> = [
        [
          { _tag: "Own", kind: "haiku", settings: { abut: "frog" } },
          "the settings of its grader \"haiku\" are not right: Missing key at [\"about\"]"
        ],
        [{ _tag: "Own", kind: "poem" }, "no grader of its own named \"poem\"; there are haiku"],
        [
          { _tag: "TextMatch", rule: { _tag: "Exact", expected: "a" } },
          "this green agent has only graders of its own (`Own`)"
        ]
      ]
      for (const [grader, line] of cases) {
        const { error } = yield* ask(url, requestOf("http://127.0.0.1:1/", grader))
        assert.include(error?.message, "the task ended rejected: task \"t0\" cannot be graded here: ")
        assert.isTrue(error?.message.endsWith(line), error?.message)
      }
    }).pipe(Effect.provide(green)))
})
