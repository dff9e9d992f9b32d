/** The evaluator as its clients see it: our runner, and AgentBeats' client, which reads text parts as results. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Finish, Usage } from "../../src/token/TokenEvent.ts"
import { agent, ask, dataOf, post, said } from "../support/agents.ts"

const solution =
  "```javascript\nfunction runLengthEncode(text) { return text.replace(/(.)\\1*/gs, (run, c) => run.length + c) }\n```"

const green = Effect.gen(function*() {
  const layer = GreenAgent.layer({ host: "127.0.0.1", port: 0 }).pipe(
    Layer.provide([A2aClient.layer, Grader.layer, Ticker.layer()])
  )
  const context = yield* Layer.build(layer)
  return yield* Effect.provide(GreenAgent, context)
})

const purple = (events: ReadonlyArray<TaskEvent>, error?: Failed) =>
  agent(() => Stream.concat(Stream.fromIterable(events), error === undefined ? Stream.empty : Stream.fail(error)))

const answers = [solution, "\nDone."].map(said)
const request = (url: string, tasks: ReadonlyArray<string>) =>
  JSON.stringify({ participants: { agent: url }, config: { tasks } })

describe("GreenAgent", () => {
  it.live("passes on every token of the purple agent to a client that asks for them, then the result", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const tokens = [...answers, Finish.make({ reason: "stop" }), Usage.make({ promptTokens: 1, completionTokens: 2 })]
      const { error, events } = yield* ask(url, request((yield* purple(tokens)).url, ["run-length"]))
      assert.isUndefined(error)
      const text = events.map((event) => event._tag === "Delta" ? event.text : "").join("")
      assert.strictEqual(text, `${solution}\nDone.`)
      const result = events.find((event) => event._tag === "Artifact")
      assert.deepNestedInclude(result, {
        "parts[0].data.results[0].task": "run-length",
        "parts[0].data.results[0].grade.score": 1,
        "parts[0].data.results[0].reason": null
      })
      assert.deepStrictEqual(events.slice(-2).map((event) => event._tag), ["Artifact", "Ended"])
    }))

  it.live("passes on how many tokens several purple agents give at once, to a client that asks for them", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const asked = JSON.parse(request((yield* purple(answers)).url, ["run-length", "roman-numerals"]))
      const { error, events } = yield* ask(
        url,
        JSON.stringify({ ...asked, config: { ...asked.config, concurrency: 2 } })
      )
      assert.isUndefined(error)
      const tokens = events.flatMap((event) => event._tag === "Delta" ? [event] : [])
      assert.strictEqual(tokens.reduce((sum, { tokens }) => sum + tokens, 0), 2 * answers.length)
      assert.isTrue(tokens.every(({ text }) => text === ""))
      assert.deepNestedInclude(events.find((event) => event._tag === "Artifact"), {
        "parts[0].data.summary.scored": 2
      })
    }))

  it.live("shows a client of AgentBeats its log, and one data part as the only artifact", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const body = {
        jsonrpc: "2.0",
        id: 1,
        method: "message/stream",
        params: {
          message: {
            kind: "message",
            messageId: "m",
            role: "user",
            parts: [{ kind: "text", text: request((yield* purple(answers)).url, ["run-length", "roman-numerals"]) }]
          }
        }
      }
      const results = dataOf((yield* post(url, body)).text).map((each) => each["result"])
      const artifacts = results.filter((each) => each.kind === "artifact-update")
      assert.deepStrictEqual(artifacts.map((each) => each.artifact.parts.map((part: any) => part.kind)), [["data"]])
      const scores = artifacts[0]!["artifact"].parts[0].data.results.map((row: any) => [row.task, row.grade.score])
      assert.deepStrictEqual(scores, [["run-length", 1], ["roman-numerals", 0]])
      const log = results.flatMap((each) => each.status?.message?.parts?.[0]?.text ?? [])
      assert.include(log[0], "run-length")
      assert.isTrue(log.some((line) => line.includes("hidden tests passed")))
      assert.deepInclude(results.at(-1), { final: true })
    }))

  it.live("fails with the error of the hop that broke, and not with a score", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const broken = new Failed({
        hop: "engine",
        tokens: 1,
        reason: { _tag: "MidStreamError", code: 500, detail: "died" }
      })
      const { error, events } = yield* ask(url, request((yield* purple([said("a")], broken)).url, ["run-length"]))
      assert.deepInclude(error, { hop: "engine", reason: broken.reason })
      assert.isFalse(events.some((event) => event._tag === "Artifact"))
    }))

  it.live("gives a row without a score and with its reason where one bout of several breaks", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const broken = new Failed({ hop: "engine", tokens: 0, reason: { _tag: "Truncated" } })
      const { error, events } = yield* ask(
        url,
        request((yield* purple([], broken)).url, ["run-length", "roman-numerals"])
      )
      assert.isUndefined(error)
      const result = events.find((event) => event._tag === "Artifact")
      assert.deepNestedInclude(result, {
        "parts[0].data.results[0].grade": null,
        "parts[0].data.results[1].reason": broken.message
      })
    }))

  it.live("rejects what it cannot understand and says what it expected", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const { error } = yield* ask(url, "please assess my agent")
      assert.deepNestedInclude(error, { hop: "purple", "reason._tag": "AgentFailed", "reason.state": "rejected" })
      assert.include(error?.message, "\"participants\"")
    }))

  it.live("meets agents halfway that keep their answer in a status message", () =>
    Effect.gen(function*() {
      const { url } = yield* green
      const { events } = yield* ask(
        url,
        request((yield* purple([Status.make({ state: "working", text: solution })])).url, ["run-length"])
      )
      assert.deepNestedInclude(events.find((event) => event._tag === "Artifact"), {
        "parts[0].data.results[0].grade.score": 1
      })
    }))
})
