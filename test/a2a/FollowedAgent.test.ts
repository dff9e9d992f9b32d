/** The client against agents that their authors made with the SDK: every mode, every binding, both versions. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { isTokenEvent, Status } from "../../src/a2a/TaskEvent.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { Delta, Finish, Usage } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { agent, said } from "../support/agents.ts"
import { answerOf, askWith } from "../support/askWith.ts"
import { eventually } from "../support/scriptedServer.ts"
import { sdkAgent, type SdkAgentOptions } from "../support/sdkAgent.ts"
import { modesOf } from "./virtualAgent.ts"

const bindings: ReadonlyArray<Pick<SdkAgentOptions, "binding" | "version">> = [
  { binding: "JSONRPC", version: "1.0" },
  { binding: "HTTP+JSON", version: "1.0" },
  { binding: "JSONRPC", version: "0.3" },
  { binding: "HTTP+JSON", version: "0.3" }
]

describe("an agent made with the SDK", () => {
  for (const { binding, version } of bindings) {
    it.live(`of ${version} over ${binding} is followed in every mode`, () =>
      Effect.gen(function*() {
        const says = { says: ["one ", "two ", "three"], eachMillis: 30, binding, version }
        const streaming = yield* sdkAgent({ ...says, streaming: true })
        const mute = yield* sdkAgent({ ...says, streaming: false })
        const asked = yield* Effect.forEach([
          askWith(streaming.url),
          askWith(streaming.url, { mode: "poll" }),
          askWith(streaming.url, { mode: "blocking" }),
          askWith(mute.url),
          askWith(mute.url, { mode: "blocking" })
        ], (each) =>
          each, { concurrency: "unbounded" })
        for (const { error, events } of asked) {
          assert.isUndefined(error)
          assert.strictEqual(answerOf(events), "one two three")
          assert.deepInclude(events[0], { _tag: "Followed", hop: "purple", exact: false })
        }
        assert.deepStrictEqual(
          asked.map(({ events }) =>
            modesOf(events)
          ),
          [["stream"], ["poll"], ["blocking"], ["poll"], ["blocking"]]
        )
        const refused = yield* askWith(mute.url, { mode: "stream" })
        assert.match(String(refused.error?.message), /does not stream/)
      }).pipe(Effect.provide(A2aClient.layer)))

    it.live(`of ${version} over ${binding} is cancelled in every mode in which its task is known`, () =>
      Effect.gen(function*() {
        const agent = yield* sdkAgent({ says: ["a", "b"], eachMillis: 5000, binding, version, streaming: true })
        const client = yield* A2aClient
        const known = new Set<string>()
        const fibers = yield* Effect.forEach(
          ["stream", "poll", "blocking"] as const,
          (mode) =>
            client.send({ url: agent.url, hop: "purple", text: "hello", mode }).pipe(
              Stream.runForEach(({ _tag }) => Effect.sync(() => _tag === "Status" && known.add(mode))),
              Effect.forkChild
            )
        )
        yield* eventually("they have begun", () => agent.begun() === 3 && known.size === 2)
        yield* Fiber.interruptAll(fibers)
        yield* eventually("two are cancelled", () => agent.cancelled.length === 2)
      }).pipe(Effect.provide(A2aClient.layer)))
  }
})

describe("an agent of ours", () => {
  const tokens = [
    Delta.make({ channel: "reasoning", text: "well ", tokens: 2 }),
    Delta.make({ channel: "content", text: "yes", tokens: 3 }),
    Finish.make({ reason: "stop" }),
    Usage.make({ promptTokens: 7, completionTokens: 5 })
  ]

  it.live("has the same answer, counted exactly, in every mode", () =>
    Effect.gen(function*() {
      const { url } = yield* agent(() =>
        Stream.fromEffect(Effect.sleep(50)).pipe(Stream.drain, Stream.concat(Stream.fromIterable(tokens)))
      )
      const asked = yield* Effect.forEach(
        ["stream", "poll", "blocking"] as const,
        (mode) => askWith(url, { mode }),
        { concurrency: "unbounded" }
      )
      for (const [index, { error, events }] of asked.entries()) {
        assert.isUndefined(error)
        assert.deepStrictEqual(
          events.flatMap((event) => event._tag === "Followed" ? [[event.mode, event.exact]] : []),
          [[["stream", "poll", "blocking"][index], true]]
        )
        assert.deepStrictEqual(Transcript.fromEvents(events.filter(isTokenEvent)), Transcript.fromEvents(tokens))
      }
    }).pipe(Effect.provide(A2aClient.layer)))

  it.live("hands on the error of the hop that failed in every mode", () =>
    Effect.gen(function*() {
      const failed = new Failed({ hop: "engine", tokens: 1, reason: { _tag: "Truncated" } })
      const { url } = yield* agent(() =>
        Stream.concat(Stream.fromEffect(Effect.as(Effect.sleep(50), said("a"))), Stream.fail(failed))
      )
      for (const mode of ["stream", "poll", "blocking"] as const) {
        const { error } = yield* askWith(url, { mode })
        assert.deepInclude(error, { _tag: "Failed", hop: "engine", tokens: 1, reason: failed.reason })
      }
    }).pipe(Effect.provide(A2aClient.layer)))

  it.live("is told to wait for an answer in every mode, though it says nothing of it", () =>
    Effect.gen(function*() {
      const { url } = yield* agent(() => Stream.make(said("hm"), Status.make({ state: "input-required", text: "" })))
      for (const mode of ["stream", "poll", "blocking"] as const) {
        const { error } = yield* askWith(url, { mode })
        assert.deepNestedInclude(error, { "reason._tag": "AgentFailed", "reason.state": "input-required" })
      }
    }).pipe(Effect.provide(A2aClient.layer)))
})
