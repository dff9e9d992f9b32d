// The supervisor of an agent's process, in virtual time and with processes that a test invents.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AgentProcess from "../../src/agents/AgentProcess.ts"
import { Invention, noAgent, refused } from "../support/inventedProcesses.ts"

const options: AgentProcess.AgentProcessOptions = {
  name: "alice",
  command: { line: "python alice.py", workingDirectory: "/alice", environment: {} },
  url: "http://127.0.0.1:9019/",
  logFile: "/logs/alice.log"
}

/** `start` in a fiber and a scope of its own. */
const starting = Effect.fnUntraced(function*(
  invention: Invention,
  more: Partial<AgentProcess.AgentProcessOptions> = {},
  environment: Readonly<Record<string, string>> = {}
) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const fiber = yield* AgentProcess.start({ ...options, ...more }).pipe(
    Scope.provide(scope),
    Effect.provide(invention.layer(environment)),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust(0)
  return { fiber, close: Scope.close(scope, Exit.void) }
})

/** An agent that is ready, and whose card answers in every life at once. */
const ready = Effect.fnUntraced(function*(
  invention: Invention,
  more: Partial<AgentProcess.AgentProcessOptions> = {}
) {
  const { close, fiber } = yield* starting(invention, more)
  invention.answer = "card"
  yield* TestClock.adjust(250)
  return { agent: yield* Fiber.join(fiber), close }
})

/** Lets the next life begin, whose card answers. */
const reborn = Effect.fnUntraced(function*(invention: Invention, delayMillis: number) {
  const { length } = invention.processes
  yield* TestClock.adjust(delayMillis - 1)
  assert.strictEqual(invention.processes.length, length, `not before ${delayMillis} ms`)
  yield* TestClock.adjust(1)
  assert.strictEqual(invention.processes.length, length + 1, `after ${delayMillis} ms`)
  invention.answer = "card"
  yield* TestClock.adjust(250)
})

const failure = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.flip(Fiber.join(fiber))

describe("AgentProcess", () => {
  it.effect("is ready when the card answers, which it asks for every 250 ms", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const { fiber } = yield* starting(invention, { command: { ...options.command, environment: { A: "${B:-c}" } } })
      const [process] = invention.processes
      assert.deepInclude(process?.command, {
        line: "python alice.py",
        workingDirectory: "/alice",
        environment: { A: "c" },
        logFile: "/logs/alice.log"
      })
      yield* TestClock.adjust("10 seconds")
      // Once before the start, once after it, and then four times a second.
      assert.strictEqual(invention.questions, 2 + 40)
      assert.isUndefined(fiber.pollUnsafe())
      invention.answer = "card"
      yield* TestClock.adjust(250)
      const agent = yield* Fiber.join(fiber)
      assert.deepInclude(yield* agent.current, { phase: "ready", deaths: 0, sinceMillis: 10_250 })
      yield* agent.ready
      assert.strictEqual(agent.url, options.url)
    }))

  it.effect("is not started where something answers already, whatever it is", () =>
    Effect.gen(function*() {
      for (const answer of ["card", noAgent, undefined] as const) {
        const invention = new Invention()
        invention.answer = answer
        const { fiber } = yield* starting(invention)
        yield* TestClock.adjust("10 seconds")
        const error = yield* failure(fiber)
        assert.strictEqual(error.reason._tag, "AddressInUse")
        assert.match(
          error.message,
          /^agent "alice" .* http:\/\/127\.0\.0\.1:9019\/ already .*; stop that, .*alice\.log/
        )
        assert.lengthOf(invention.processes, 0)
      }
    }))

  it.effect("fails at once, with its last words, when it ends before its card", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const { fiber } = yield* starting(invention)
      yield* invention.die(3)
      const error = yield* failure(fiber)
      assert.deepEqual(error.reason, { _tag: "ExitedEarly", exitCode: 3, signal: null, lastLines: ["line 1"] } as any)
      assert.match(error.message, /exit code 3 before .*: line 1; correct its command.*\/logs\/alice\.log\)$/)
      assert.isFalse(invention.processes[0]?.held)
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(invention.processes, 1)
    }))

  it.effect("fails after a minute without a card, or after the given time, and is stopped", () =>
    Effect.gen(function*() {
      for (const [patience, millis] of [[undefined, 60_000], ["30 seconds", 30_000]] as const) {
        const invention = new Invention()
        const { fiber } = yield* starting(invention, { patience })
        invention.answer = noAgent
        yield* TestClock.adjust(millis - 1)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const error = yield* failure(fiber)
        assert.deepInclude(error.reason, { _tag: "NotReady", url: options.url, afterMillis: millis })
        assert.match(error.message, /after \d0 s \(.*no usable agent card\), saying at last: line 1; check that/)
        assert.isFalse(invention.processes[0]?.held)
      }
    }))

  it.effect("asks again when a question is not answered", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const { fiber } = yield* starting(invention)
      invention.answer = undefined
      yield* TestClock.adjust("5 seconds")
      invention.answer = "card"
      yield* TestClock.adjust("6 seconds")
      assert.deepInclude(yield* (yield* Fiber.join(fiber)).current, { phase: "ready" })
    }))

  it.effect("is not started without its variables, its shell, or an address", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const command = { ...options.command, environment: { KEY: "${MINE}", HOST: "${HOST_NAME}" } }
      const variables = yield* failure((yield* starting(invention, { command }, { MINE: "key" })).fiber)
      assert.match(variables.message, /its variable HOST wants \$\{HOST_NAME\}, which is not set; correct/)
      assert.notInclude(variables.message, "key")
      const address = yield* failure((yield* starting(invention, { url: "127.0.0.1:9019" })).fiber)
      assert.match(address.message, /address 127.0.0.1:9019 cannot be requested/)
      invention.broken = "no\nshell"
      const shell = yield* failure((yield* starting(invention)).fiber)
      assert.match(shell.message, /could not be started: no shell; correct/)
      for (const error of [variables, address, shell]) assert.strictEqual(error.reason._tag, "NotStarted")
    }))

  it.effect("is started again when it dies, after delays that double and begin anew after a good minute", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const { agent } = yield* ready(invention)
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(agent.changes, ({ phase }) => Effect.sync(() => void seen.push(phase))),
        { startImmediately: true }
      )
      for (const delay of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
        yield* invention.die(7)
        yield* TestClock.adjust(0)
        assert.deepInclude(yield* agent.current, { phase: "exited", lastDeath: "ended with exit code 7" })
        // Nothing is left of the life before.
        assert.isFalse(invention.processes.at(-1)?.held)
        yield* reborn(invention, delay)
        assert.deepInclude(yield* agent.current, { phase: "ready" })
      }
      yield* TestClock.adjust("1 minute")
      yield* invention.die(7)
      yield* TestClock.adjust(0)
      yield* reborn(invention, 1_000)
      assert.deepStrictEqual(seen.slice(0, 4), ["ready", "exited", "restarting", "ready"])
      assert.deepInclude(yield* agent.current, { phase: "ready", deaths: 1 })
    }))

  it.effect("is given up after too many quick deaths, and whoever waits for it hears of that", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const { agent } = yield* ready(invention, { restart: { mostDeaths: 3 } })
      yield* invention.die(1)
      yield* TestClock.adjust(0)
      const waiting = yield* Effect.forkChild(Effect.flip(agent.ready), { startImmediately: true })
      // The second life ends before its card, and the third finds a stranger at its address.
      yield* TestClock.adjust(1_000)
      assert.deepInclude(yield* agent.current, { phase: "restarting" })
      yield* invention.die(1)
      yield* TestClock.adjust(0)
      assert.isUndefined(waiting.pollUnsafe())
      invention.answer = "card"
      yield* TestClock.adjust(2_000)
      const error = yield* Fiber.join(waiting)
      assert.deepInclude(error.reason, { _tag: "GaveUp", deaths: 3 })
      assert.match(
        error.message,
        /^agent "alice" has died 3 times in a row; at last it was not .*, saying at last: line 2; find out .*alice\.log\)$/
      )
      const state = yield* agent.current
      assert.deepInclude(state, { phase: "given-up", restartAtMillis: null })
      assert.match(state.lastDeath ?? "", /something else answers/)
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(invention.processes, 2)
      assert.strictEqual((yield* Effect.flip(agent.ready)).message, error.message)
    }))

  it.effect("is waited for while it is started again", () =>
    Effect.gen(function*() {
      const invention = new Invention()
      const { agent } = yield* ready(invention)
      yield* invention.die(0)
      yield* TestClock.adjust(0)
      const waiting = yield* Effect.forkChild(agent.ready, { startImmediately: true })
      yield* TestClock.adjust("20 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      invention.answer = "card"
      yield* TestClock.adjust(250)
      yield* Fiber.join(waiting)
    }))

  it.effect("is stopped with its scope, ready or waiting for its restart, and not started again", () =>
    Effect.gen(function*() {
      for (const isDead of [false, true]) {
        const invention = new Invention()
        const { close } = yield* ready(invention)
        if (isDead) yield* Effect.andThen(invention.die(1), TestClock.adjust(0))
        yield* close
        assert.isFalse(invention.processes[0]?.held)
        invention.answer = refused
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(invention.processes, 1)
      }
    }))
})
