/** Agents that are right in another way than ours: they are understood. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { answerOf, askWith } from "../support/askWith.ts"
import { beginStream, cardOf, frame, hostileAgent, json, later } from "../support/hostileAgent.ts"
import { eventually } from "../support/scriptedServer.ts"
import { status, task, token } from "./hostileCases.ts"

describe("an agent that is only different", () => {
  const message = { messageId: "m", role: "ROLE_AGENT", parts: [{ text: "hello" }] }
  const fine: ReadonlyArray<readonly [string, ReadonlyArray<unknown>, string]> = [
    ["answers with a single message", [{ message }], "hello"],
    ["begins with a status", [status("WORKING"), task, token("x"), status("COMPLETED")], "x"],
    ["leaves out ids", [
      task,
      token("x", { taskId: "", contextId: "" }),
      token("y", { taskId: undefined, contextId: undefined }),
      status("COMPLETED", { taskId: undefined })
    ], "xy"],
    ["has states and members of a later version", [
      task,
      status("PAUSED"),
      token("x", { generation: 7 }),
      status("COMPLETED")
    ], "x"],
    ["says more after its end", [
      task,
      token("x"),
      status("COMPLETED"),
      token("y"),
      { task: { ...task.task, id: "z" } },
      5
    ], "x"],
    ["sends the answer again as a whole", [task, token("x"), token("xy", { append: false }), status("COMPLETED")], "xy"]
  ]
  for (const [name, results, answer] of fine) {
    it.live(`${name} is understood`, () =>
      Effect.gen(function*() {
        const server = yield* hostileAgent({
          stream: (response, request) => {
            beginStream(response, { "content-type": "Text/Event-Stream; charset=utf-8" })
            response.write(
              `\uFEFF: hello\r\nretry: 5\r\n${results.map((each) => `id: 1\n${frame(request, each)}`).join("")}`
            )
          }
        })
        const { error, events } = yield* askWith(server.url)
        assert.isUndefined(error)
        assert.strictEqual(answerOf(events), answer)
        assert.strictEqual(events.at(-1)?._tag, "Ended")
        yield* eventually("the stream is closed", () => server.openAnswers() === 0)
      }).pipe(Effect.provide(A2aClient.layer)))
  }

  it.live("speaks 0.3 is understood, also when it begins with a status", () =>
    Effect.gen(function*() {
      const results = [
        { kind: "status-update", taskId: "t", contextId: "c", status: { state: "working" }, final: false },
        {
          kind: "artifact-update",
          taskId: "t",
          contextId: "c",
          artifact: { artifactId: "a", parts: [{ kind: "text", text: "hi" }] }
        },
        { kind: "status-update", taskId: "t", contextId: "c", status: { state: "completed" }, final: true }
      ]
      const server = yield* hostileAgent({
        card: (response, url) => json(response, cardOf(url, "0.3")),
        stream: (response, request) => {
          beginStream(response)
          response.end(results.map((each) => frame(request, each)).join(""))
        }
      })
      const { error, events } = yield* askWith(server.url)
      assert.isUndefined(error)
      assert.deepStrictEqual(events.map((event) => event._tag), ["Followed", "Status", "Delta", "Ended"])
    }).pipe(Effect.provide(A2aClient.layer)))

  it.live("is silent for longer than any card may take is waited for", () =>
    Effect.gen(function*() {
      const server = yield* hostileAgent({
        stream: (response, request) => {
          later(() => {
            beginStream(response)
            response.end([task, token("late"), status("COMPLETED")].map((each) => frame(request, each)).join(""))
          }, 700)
        }
      })
      const { error, events } = yield* askWith(server.url)
      assert.isUndefined(error)
      assert.include(events.map((event) => event._tag), "Delta")
    }).pipe(Effect.provide(A2aClient.layerWith({ limits: { answerTime: "300 millis" } }))))
})
