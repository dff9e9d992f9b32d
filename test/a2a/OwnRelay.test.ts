/** A relay of somebody else's behind our server: one that keeps its tasks where they outlive it. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"
import { A2aServer, serve } from "../../src/a2a/A2aServer.ts"
import type { AgentExecutor } from "../../src/a2a/AgentExecutor.ts"
import type { ListenError } from "../../src/a2a/ListenError.ts"
import { Refusal, Relay, type RelayOptions, TaskLog, TaskRecord } from "../../src/a2a/Relay.ts"
import { Ended, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { agentRequest, ask, post, said } from "../support/agents.ts"

const description = {
  name: "test agent",
  description: "An agent for tests.",
  version: "1",
  skill: { id: "test", name: "test", description: "test", tags: ["test"] as const }
}
const listening = { host: "127.0.0.1", port: 0, description }

const encode = Schema.encodeSync(Schema.fromJsonString(TaskRecord))
const decode = Schema.decodeSync(Schema.fromJsonString(TaskRecord))

/** Around our own: tasks that are at no work go onto the shelf, and are found there when ours has none of the name. */
const shelving = (shelf: Map<string, string>, options: RelayOptions): Layer.Layer<Relay> =>
  Layer.effect(
    Relay,
    Effect.gen(function*() {
      const inner = yield* Relay.make(options)
      const clock = yield* Clock.Clock
      const taken = new Map<string, TaskLog>()
      const keep = (log: TaskLog) =>
        Effect.sync(() => void log.onSettled(() => shelf.set(log.taskId, encode(log.record))))
      const take = (taskId: string, json: string): TaskLog => {
        const known = taken.get(taskId)
        if (known !== undefined) return known
        const log = TaskLog.restore(decode(json), clock)
        if (!log.ended && !log.interrupted) log.append([Ended.make({ state: "failed", text: "lost", error: null })])
        taken.set(taskId, log)
        return log
      }
      return Relay.of({
        ...inner,
        start: (turn) => Effect.tap(inner.start(turn), keep),
        proceed: (log, turn) => Effect.tap(inner.proceed(log, turn), keep),
        find: (taskId) =>
          Effect.map(inner.find(taskId), (log) => {
            const json = shelf.get(taskId)
            return log ?? (json === undefined ? undefined : take(taskId, json))
          }),
        list: () => Effect.sync(() => [...shelf].map(([taskId, json]) => take(taskId, json)))
      })
    })
  )

/** Asks once, and answers what it is then told. */
const asks: AgentExecutor = (request) =>
  request.text === "done?"
    ? Stream.make(said("yes"))
    : request.continued
    ? Stream.make(said(`got ${request.text}`))
    : Stream.make(said("hm"), Status.make({ state: "input-required", text: "which?" }))

const send = (url: string, message: object, version = "1.0") =>
  Effect.map(
    post(`${url}message:send`, { message: { messageId: "m", role: "ROLE_USER", ...message } }, {
      "a2a-version": version
    }),
    ({ text }) => JSON.parse(text)
  )
const get = (url: string, path: string) =>
  Effect.promise(() =>
    fetch(`${url}${path}`, { headers: { "a2a-version": "1.0" } }).then((response) => response.json() as Promise<any>)
  )

describe("a relay of one's own", () => {
  it.live("has the tasks of the server before it, and goes on with the one that waited", () =>
    Effect.gen(function*() {
      const shelf = new Map<string, string>()
      const server = Effect.gen(function*() {
        const scope = yield* Scope.make()
        const services = yield* A2aServer.layer(listening).pipe(
          Layer.provide(shelving(shelf, { executor: asks })),
          Layer.buildWithScope(scope)
        )
        return { url: Context.get(services, A2aServer).url, stop: Scope.close(scope, Exit.void) }
      })
      const first = yield* server
      const done = yield* send(first.url, { parts: [{ text: "done?" }] })
      const waits = yield* send(first.url, { parts: [{ text: "please" }] })
      assert.strictEqual(waits.task.status.state, "TASK_STATE_INPUT_REQUIRED")
      const before = shelf.get(waits.task.id)!
      yield* first.stop
      // It was cancelled with its server; what a machine that broke down had written of it is what comes back.
      shelf.set(waits.task.id, before)

      const second = yield* server
      const found = yield* get(second.url, `tasks/${done.task.id}`)
      assert.deepStrictEqual(found, done.task)
      assert.lengthOf((yield* get(second.url, "tasks")).tasks, 2)
      const answered = yield* send(second.url, { taskId: waits.task.id, parts: [{ text: "this" }] })
      assert.strictEqual(answered.task.status.state, "TASK_STATE_COMPLETED")
      assert.strictEqual(answered.task.artifacts[0].parts[0].text, "hmgot this")
      assert.deepStrictEqual(answered.task.history.map((message: any) => message.parts[0].text), [
        "please",
        "which?",
        "this"
      ])
      assert.strictEqual((yield* get(second.url, "tasks/none")).error.status, "NOT_FOUND")
      yield* second.stop
    }))

  it.live("may refuse, and its clients are told to come again", () =>
    Effect.gen(function*() {
      const refuses = Layer.effect(
        Relay,
        Effect.map(Relay.make({ executor: asks }), (inner) =>
          Relay.of({
            ...inner,
            start: () => Effect.fail(new Refusal({ reason: { _tag: "TooManyTasks", limit: 0 } }))
          }))
      )
      const { url } = yield* Effect.provide(
        A2aServer,
        yield* Layer.build(Layer.provide(A2aServer.layer(listening), refuses))
      )
      const { status } = yield* post(`${url}message:send`, {
        message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "hi" }] }
      }, { "a2a-version": "1.0" })
      assert.strictEqual(status, 503)
      const { error } = yield* ask(url)
      assert.include(error?.message, "0 tasks are at work, as many as this agent takes at once; try again later")
    }).pipe(Effect.scoped))

  it.effect("for tests says the same to every message", () =>
    Effect.gen(function*() {
      const relay = yield* Relay
      const log = yield* relay.start({
        request: agentRequest(),
        message: { messageId: "m" } as never,
        attach: () => {}
      })
      assert.strictEqual(log.snapshot.transcript.content, "ab")
      assert.strictEqual(log.state, "completed")
    }).pipe(Effect.provide(Relay.layerTest(Stream.make(said("a"), said("b"))))))
})

class Names extends Context.Service<Names, ReadonlyArray<string>>()("test/Names") {}

describe("an executor", () => {
  const greets: AgentExecutor<Names> = ({ text }) =>
    Stream.unwrap(Effect.map(Names, (names) => Stream.make(said(`${text}, ${names.join(" and ")}`))))

  it.live("gets its services from where it is served", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.provideService(serve({ ...listening, executor: greets }), Names, ["ada", "grace"])
      const { events } = yield* ask(url)
      assert.deepStrictEqual(events.flatMap((event) => event._tag === "Delta" ? [event.text] : []), [
        "hello, ada and grace"
      ])
    }).pipe(Effect.scoped))

  it("is held to its types", () => {
    expectTypeOf(Relay.layer({ executor: greets })).toEqualTypeOf<Layer.Layer<Relay, never, Names>>()
    expectTypeOf(Relay.layer({ executor: asks })).toEqualTypeOf<Layer.Layer<Relay>>()
    expectTypeOf(serve({ ...listening, executor: greets }))
      .toEqualTypeOf<Effect.Effect<A2aServer["Service"], ListenError, Names | Scope.Scope>>()
    expectTypeOf(A2aServer.layer(listening)).toEqualTypeOf<Layer.Layer<A2aServer, ListenError, Relay>>()
    expectTypeOf<() => Stream.Stream<TaskEvent, RunError>>().toExtend<AgentExecutor>()
    // Its errors are those that an outer hop understands, its elements task events, its services known.
    expectTypeOf<() => Stream.Stream<TaskEvent, string>>().not.toExtend<AgentExecutor>()
    expectTypeOf<() => Stream.Stream<string>>().not.toExtend<AgentExecutor>()
    expectTypeOf(greets).not.toExtend<AgentExecutor>()
  })
})
