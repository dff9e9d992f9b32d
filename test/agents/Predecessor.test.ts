/** Failures of the predecessor that belong to a green agent and to how it asks its participants: none comes back. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { ask } from "../support/agents.ts"
import { beginStream, type Behaviour, cardOf, frame, hostileAgent, json, later } from "../support/hostileAgent.ts"

const grade = { score: 0, passed: false, tests: [], explanation: "graded" }

/** What a green agent says of one battle and of two against such a participant, and what the participant was asked. */
const assess = Effect.fnUntraced(function*(behaviour: Behaviour) {
  const participant = yield* hostileAgent(behaviour)
  let graded = 0
  const grader = Grader.layerTest(() =>
    Effect.sync(() => {
      graded++
      return grade
    })
  )
  const layer = GreenAgent.layer({ host: "127.0.0.1", port: 0 }).pipe(
    Layer.provide([A2aClient.layer, grader, Ticker.layer()])
  )
  const { url } = yield* Effect.provide(GreenAgent, yield* Layer.build(layer))
  const request = (repeat: number) =>
    JSON.stringify({ participants: { agent: participant.url }, config: { tasks: ["run-length"], repeat } })
  const alone = yield* ask(url, request(1))
  const twice = yield* ask(url, request(2))
  const [part] = twice.events.flatMap((event) => event._tag === "Artifact" ? event.parts : [])
  return {
    alone,
    graded: () => graded,
    result: (part?._tag === "Data" ? part.data : undefined) as any,
    methods: participant.requests.flatMap(({ rpc }) => rpc === null ? [] : [rpc.method])
  }
})

describe("a green agent", () => {
  const bodies: ReadonlyArray<readonly [name: string, body: (id: unknown) => unknown]> = [
    ["a JSON-RPC error", (id) => ({ jsonrpc: "2.0", id, error: { code: -32603, message: "Purple Agent failed" } })],
    ["an error of its own", () => ({ battle_id: "b", error: "Purple Agent failed", outcome: "ERROR" })]
  ]
  for (const [name, body] of bodies) {
    it.live(`takes HTTP 200 with ${name} for a failure: no grade, no score of 0, and an end`, () =>
      Effect.gen(function*() {
        const { alone, graded, result } = yield* assess({
          stream: (response, { rpc }) => json(response, body(rpc?.id), 200)
        })
        assert.strictEqual(alone.error?._tag, "Failed")
        assert.isFalse(alone.events.some(({ _tag }) => _tag === "Artifact"))
        assert.deepStrictEqual(result.summary, { scored: 0, unscored: 2, meanScore: null })
        for (const row of result.results) {
          assert.isNull(row.grade)
          assert.isNotEmpty(row.reason)
        }
        assert.strictEqual(graded(), 0)
      }))
  }

  it.live("takes an error inside a stream for a failure too, whatever came before", () =>
    Effect.gen(function*() {
      const { graded, result } = yield* assess({
        stream: (response, request) => {
          beginStream(response)
          const status = { state: "TASK_STATE_WORKING" }
          response.write(frame(request, { task: { id: "t", contextId: "c", status, artifacts: [], history: [] } }))
          response.end(
            `data: ${JSON.stringify({ jsonrpc: "2.0", id: request.rpc?.id, error: { code: 1, message: "x" } })}\n\n`
          )
        }
      })
      assert.deepStrictEqual(result.summary, { scored: 0, unscored: 2, meanScore: null })
      assert.strictEqual(graded(), 0)
    }))

  for (const version of ["1.0", "0.3"]) {
    it.live(`asks a participant of A2A ${version} for a stream, and sees every token when it comes`, () =>
      Effect.gen(function*() {
        const update = (text: string, append: boolean) => {
          const artifact = { artifactId: "a", parts: [version === "1.0" ? { text } : { kind: "text", text }] }
          const event = { taskId: "t", contextId: "c", artifact, append, lastChunk: false }
          return version === "1.0" ? { artifactUpdate: event } : { kind: "artifact-update", ...event }
        }
        const status = (state: string) => {
          const event = { taskId: "t", contextId: "c" }
          return version === "1.0"
            ? { statusUpdate: { ...event, status: { state: `TASK_STATE_${state.toUpperCase()}` } } }
            : { kind: "status-update", ...event, status: { state }, final: state === "completed" }
        }
        const { alone, methods } = yield* assess({
          card: (response, url) => json(response, cardOf(url, version)),
          stream: (response, request) => {
            beginStream(response)
            response.write(frame(request, status("working")))
            for (const [index, text] of ["a", "b", "c"].entries()) {
              later(() => response.write(frame(request, update(text, index > 0))), 20 * index)
            }
            later(() => response.end(frame(request, status("completed"))), 80)
          }
        })
        assert.isUndefined(alone.error, alone.error?.message)
        const texts = alone.events.flatMap((event) => event._tag === "Delta" ? [event.text] : [])
        assert.deepStrictEqual(texts, ["a", "b", "c"])
        assert.deepStrictEqual(
          [...new Set(methods)],
          [version === "1.0" ? "SendStreamingMessage" : "message/stream"]
        )
      }))
  }

  it.live("says so where a participant has no stream, and asks it not to wait", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      const { alone } = yield* assess({
        card: (response, url) => json(response, { ...cardOf(url), capabilities: { streaming: false } }),
        methods: {
          SendMessage: (response, { rpc }) => {
            asked.push((rpc?.params as any)?.configuration?.returnImmediately)
            const message = { messageId: "m", role: "ROLE_AGENT", parts: [{ text: "the answer" }] }
            json(response, { jsonrpc: "2.0", id: rpc?.id, result: { message } })
          }
        }
      })
      assert.isUndefined(alone.error, alone.error?.message)
      const followed = alone.events.flatMap((event) => event._tag === "Followed" ? [event] : [])
      // The first is said of the green agent itself.
      assert.deepStrictEqual(followed.map(({ exact, mode }) => [mode, exact]), [
        ["stream", true],
        ["poll", false],
        ["blocking", false]
      ])
      assert.match(followed[1]!.why, /does not stream/)
      assert.match(followed[2]!.why, /^its first answer, after .* s, was its end$/)
      assert.deepStrictEqual(asked, [true, true, true])
    }))
})
