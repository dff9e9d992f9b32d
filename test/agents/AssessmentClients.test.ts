/** An assessment over sockets, as AgentBeats asks for one: by the official clients of both versions, without extensions. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { assessmentMessage } from "../../src/agents/AssessmentRequest.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { agent, said } from "../support/agents.ts"
import { eventually } from "../support/scriptedServer.ts"
import { officialClients, type Seen } from "./officialClients.ts"

const TOKENS = 40
const grader = Grader.layerTest(() => Effect.succeed({ score: 1, passed: true, tests: [], explanation: "all is well" }))

/** A green agent that tells of its battles so often that a short one is told of. */
const green = Effect.gen(function*() {
  const layer = GreenAgent.layer({ host: "127.0.0.1", port: 0, pace: { everyMillis: 50, leastMillis: 20 } }).pipe(
    Layer.provide([A2aClient.layer, grader, Ticker.layer("10 millis")])
  )
  return (yield* Effect.provide(GreenAgent, yield* Layer.build(layer))).url
})

const purple = agent(() =>
  Stream.range(1, TOKENS).pipe(Stream.mapEffect((index) => Effect.as(Effect.sleep("5 millis"), said(`[${index}]\n`))))
)

const all = (events: AsyncIterable<Seen>) =>
  Effect.promise(async () => {
    const seen: Array<Seen> = []
    for await (const event of events) seen.push(event)
    return seen
  })

const finals = ["completed", "canceled", "failed", "rejected"]

for (const [name, dial] of officialClients) {
  describe(`a client that is ${name}`, () => {
    it.live("sees a whole plan go on while tokens flow, one artifact with one data part, and the end", () =>
      Effect.gen(function*() {
        const participants = { first: (yield* purple).url, second: (yield* purple).url }
        const config = { tasks: ["run-length", "roman-numerals"], repetitions: 2 }
        const url = yield* green
        const client = yield* Effect.promise(() => dial(url))
        const seen = yield* all(client.stream(assessmentMessage(participants, config)))

        const battles = [1, 2].flatMap((repetition) => [
          ["run-length", "first", repetition],
          ["roman-numerals", "second", repetition],
          ["run-length", "second", repetition],
          ["roman-numerals", "first", repetition]
        ])
        const log = seen.filter(({ kind, state, text }) => kind === "status" && state === "working" && text !== "")
          .map(({ text }) => text)
        const names = battles.map(([task, role, repetition], index) =>
          `${task} against ${role}, repetition ${repetition} (${index + 1} of 8): `
        )
        // Everything that is told of a battle stands between its beginning and its score, and in the order of the plan.
        assert.deepStrictEqual(
          [...new Set(log.map((line) => names.findIndex((name) => line.startsWith(name))))],
          [0, 1, 2, 3, 4, 5, 6, 7]
        )
        for (const name of names) {
          const lines = log.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length))
          assert.strictEqual(lines[0], "begins")
          assert.strictEqual(lines.at(-1), "all is well")
          const counts = lines.flatMap((line) => /^decoding, (\d+) token/.exec(line)?.[1] ?? []).map(Number)
          assert.isAtLeast(counts.length, 1)
          assert.deepStrictEqual(counts, counts.toSorted((left, right) => left - right))
          assert.isTrue(counts.every((count) => count > 0 && count <= TOKENS))
        }

        const artifacts = seen.flatMap(({ artifacts }) => artifacts)
        assert.lengthOf(artifacts, 1)
        assert.deepStrictEqual(artifacts[0]!.map(([kind]) => kind), ["data"])
        const { results, summary } = artifacts[0]![0]![1]
        assert.deepStrictEqual(summary, { scored: 8, unscored: 0, meanScore: 1 })
        assert.deepStrictEqual(
          results.map((row: any) => [row.task, row.participant, row.repetition]),
          battles
        )
        for (const row of results) {
          assert.deepInclude(row, { reason: null, tokens: TOKENS })
          assert.isAtLeast(row.durationMillis, 5 * TOKENS)
          assert.isBelow(row.timeToFirstTokenMillis, row.durationMillis)
        }
        assert.strictEqual(seen.at(-2)?.kind, "artifact")
        assert.deepInclude(seen.at(-1), { kind: "status", state: "completed" })
        assert.lengthOf(seen.filter(({ state }) => finals.includes(state)), 1)
      }))

    it.live("that waits for the end gets the same artifact", () =>
      Effect.gen(function*() {
        const url = yield* green
        const client = yield* Effect.promise(() => dial(url))
        const text = assessmentMessage({ agent: (yield* purple).url }, { tasks: ["run-length"] })
        const task = yield* Effect.promise(() => client.send(text))
        assert.strictEqual(task.state, "completed")
        assert.lengthOf(task.artifacts, 1)
        assert.deepStrictEqual(task.artifacts[0]!.map(([kind]) => kind), ["data"])
        assert.strictEqual(task.artifacts[0]![0]![1].results[0].grade.score, 1)
      }))

    it.live("is told in one line why its request is rejected", () =>
      Effect.gen(function*() {
        const url = yield* green
        const client = yield* Effect.promise(() => dial(url))
        const agents = { agent: "http://127.0.0.1:9/" }
        const requests: ReadonlyArray<readonly [string, RegExp]> = [
          ["assess, please", /expected \{"participants".*found "assess, please"/],
          [assessmentMessage({}, {}), /found no participant/],
          [assessmentMessage({ agent: "ftp://a/" }, {}), /only http and https/],
          [assessmentMessage(agents, { tasks: ["run-lenght"] }), /did you mean "run-length"/],
          [assessmentMessage(agents, { concurrency: 0 }), /from 1 to 16; found 0/],
          [assessmentMessage(agents, { concurency: 2 }), /did you mean "concurrency"/],
          [assessmentMessage(agents, { repeat: 5000 }), /at most 10000 battles/]
        ]
        for (const [request, reason] of requests) {
          const seen = yield* all(client.stream(request))
          assert.deepInclude(seen.at(-1), { kind: "status", state: "rejected" })
          assert.match(seen.at(-1)!.text, reason)
          assert.notInclude(seen.at(-1)!.text, "\n")
          assert.isTrue(seen.every(({ artifacts }) => artifacts.length === 0))
          const sent = yield* Effect.promise(() => client.send(request))
          assert.deepInclude(sent, { state: "rejected", artifacts: [] })
          assert.match(sent.text, reason)
        }
      }))

    it.live("that cancels stops all participants that are at work, and no other battle begins", () =>
      Effect.gen(function*() {
        let begun = 0
        let stopped = 0
        const { url: participant } = yield* agent(() => {
          begun++
          return Stream.concat(
            Stream.make(said("x")),
            Stream.fromEffectDrain(Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped++)))
          )
        })
        const url = yield* green
        const client = yield* Effect.promise(() => dial(url))
        const text = assessmentMessage({ agent: participant }, { tasks: ["run-length"], repeat: 9, concurrency: 3 })
        const seen: Array<Seen> = []
        const reading = (async () => {
          for await (const event of client.stream(text)) seen.push(event)
        })()
        yield* eventually(
          "three battles have tokens",
          () => new Set(seen.flatMap(({ text }) => /^(.*): decoding/.exec(text)?.[1] ?? [])).size === 3
        )
        assert.strictEqual(begun, 3)
        yield* Effect.promise(() => client.cancel(seen[0]!.taskId))
        yield* Effect.promise(() => reading)
        assert.deepInclude(seen.at(-1), { kind: "status", state: "canceled" })
        yield* eventually("all three have stopped", () => stopped === 3)
        assert.strictEqual(begun, 3)
        assert.isTrue(seen.every(({ artifacts }) => artifacts.length === 0))
      }))
  })
}
