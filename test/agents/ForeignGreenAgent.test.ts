/** Green agents as AgentBeats' tutorial writes them, of A2A 0.3 and over a socket: what they are asked, and what is read. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as AssessmentOutcome from "../../src/agents/AssessmentOutcome.ts"
import { assessmentMessage } from "../../src/agents/AssessmentRequest.ts"
import { ask } from "../support/agents.ts"
import { beginStream, cardOf, frame, hostileAgent, json } from "../support/hostileAgent.ts"

const text = (text: string) => ({ kind: "text", text })
const ids = { taskId: "t", contextId: "c" }
const working = (line: string) => ({
  kind: "status-update",
  ...ids,
  final: false,
  status: { state: "working", message: { kind: "message", messageId: "m", role: "agent", parts: [text(line)] } }
})
const ended = (state: string, parts: ReadonlyArray<unknown> = []) => ({
  kind: "status-update",
  ...ids,
  final: true,
  status: { state, message: { kind: "message", messageId: "n", role: "agent", parts } }
})
const result = (...parts: ReadonlyArray<unknown>) => ({
  kind: "artifact-update",
  ...ids,
  artifact: { artifactId: "r", name: "Result", parts }
})

/** What comes of an assessment by a green agent that says this. */
const assess = Effect.fnUntraced(function*(events: ReadonlyArray<unknown>, score: string | null = null) {
  const green = yield* hostileAgent({
    card: (response, url) => json(response, cardOf(url, "0.3")),
    stream: (response, request) => {
      beginStream(response)
      const task = { kind: "task", id: "t", contextId: "c", status: { state: "submitted" } }
      response.end([task, ...events].map((event) => frame(request, event)).join(""))
    }
  })
  const participants = { pro_debater: "http://p/", con_debater: "http://c/" }
  const asked = yield* ask(green.url, assessmentMessage(participants, { topic: "tea", num_rounds: 2 }))
  const finished = asked.events.reduce(AssessmentOutcome.step, AssessmentOutcome.begin)
  return {
    error: asked.error,
    request: green.requests.find(({ rpc }) => rpc !== null)!.rpc!,
    outcome: AssessmentOutcome.outcomeOf(finished, { score, roles: Object.keys(participants) })
  }
})

describe("a green agent that is not ours", () => {
  it.live("is asked in the first text part, as JSON of participants and config", () =>
    Effect.gen(function*() {
      const { request } = yield* assess([ended("completed")])
      assert.strictEqual(request.method, "message/stream")
      const { parts } = request.params.message
      assert.deepStrictEqual(parts.map(({ kind }: any) => kind), ["text"])
      assert.deepStrictEqual(JSON.parse(parts[0].text), {
        participants: { pro_debater: "http://p/", con_debater: "http://c/" },
        config: { topic: "tea", num_rounds: 2 }
      })
    }))

  it.live("judges a debate: a sentence, and text that is JSON", () =>
    Effect.gen(function*() {
      const { error, outcome } = yield* assess([
        working("Starting assessment. {\"participants\": 2}"),
        result(text("Both argued {well}."), text("{\"winner\": \"con_debater\", \"detail\": {\"reason\": \"x\"}}")),
        ended("completed")
      ])
      assert.isUndefined(error)
      assert.strictEqual(Result.getOrThrow(outcome.grade).score, 0)
      assert.strictEqual(outcome.evidence, "{\"winner\":\"con_debater\",\"detail\":{\"reason\":\"x\"}}")
    }))

  it.live("is tau2: a summary, and data", () =>
    Effect.gen(function*() {
      const data = { domain: "airline", score: 2, max_score: 5, pass_rate: 40, task_rewards: { "0": 1 } }
      const { outcome } = yield* assess([
        working("Running task 0"),
        result(text("Tau2 Benchmark Results\nPass Rate: 40.0% (2/5)"), { kind: "data", data }),
        ended("completed")
      ])
      const grade = Result.getOrThrow(outcome.grade)
      assert.deepInclude(grade, { score: 0.4, passed: false, explanation: "score is 2 of 5" })
      const byPath = yield* assess([result({ kind: "data", data }), ended("completed")], "task_rewards.0")
      assert.strictEqual(Result.getOrThrow(byPath.outcome.grade).score, 1)
    }))

  it.live("completes its task with an error in it, which is no score", () =>
    Effect.gen(function*() {
      const data = { battle_id: "b", error: "Purple Agent failed: timeout", outcome: "ERROR" }
      const { error, outcome } = yield* assess([result({ kind: "data", data }), ended("completed")])
      assert.isUndefined(error)
      assert.isTrue(Result.isFailure(outcome.grade))
    }))

  it.live("rejects the request, which is an error with its reason", () =>
    Effect.gen(function*() {
      const { error } = yield* assess([ended("rejected", [text("Missing roles: {'agent'}")])])
      assert.deepNestedInclude(error, { "reason._tag": "AgentFailed", "reason.state": "rejected" })
      assert.include(error?.message, "Missing roles: {'agent'}")
    }))
})
