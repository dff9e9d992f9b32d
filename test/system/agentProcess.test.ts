/** Agents that are real processes, started by their command line: waited for, started again, and gone with the scope. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import * as AgentProcess from "../../src/agents/AgentProcess.ts"
import { ProcessSpawner } from "../../src/agents/ProcessSpawner.ts"
import { agentLine, found, freePort, isThere } from "../support/agentProcesses.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const layer = Layer.mergeAll(A2aClient.layer, ProcessSpawner.layer)

const optionsOf = Effect.fnUntraced(function*(...words: ReadonlyArray<string>) {
  const port = yield* freePort
  return {
    name: "alice",
    command: {
      line: agentLine(...words),
      workingDirectory: tmpdir(),
      environment: { PORT: `\${A2A_TEST_NO_PORT:-${port}}` }
    },
    url: `http://127.0.0.1:${port}/`,
    logFile: join(yield* temporaryDirectory, "alice.log")
  }
})

const ask = (url: string) =>
  Effect.callback<void>((resume) => {
    request(url).on("error", () => resume(Effect.void)).on("response", () => resume(Effect.void)).end()
  })

describe("an agent's process", () => {
  it.live("is ready with its card, comes back when it dies, and is gone with the scope", () =>
    Effect.gen(function*() {
      const options = yield* optionsOf("child")
      const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
      const agent = yield* Scope.provide(AgentProcess.start({ ...options, grace: 300 }), scope)
      assert.deepInclude(yield* agent.current, { phase: "ready", deaths: 0 })
      yield* ask(`${options.url}die`)
      yield* found("the death", () => readFileSync(options.logFile, "utf8").includes("ended with exit code 7"))
      yield* agent.ready
      assert.deepInclude(yield* agent.current, { phase: "ready", deaths: 1, lastDeath: "ended with exit code 7" })

      const other = yield* Effect.flip(AgentProcess.start({ ...options, name: "bob" }))
      assert.deepInclude(other.reason, { _tag: "AddressInUse", url: options.url })

      const log = readFileSync(options.logFile, "utf8")
      const pids = [...log.matchAll(/(?:child|listening as process) (\d+)/g)].map(([, pid]) => Number(pid))
      assert.lengthOf(pids, 4)
      yield* Scope.close(scope, Exit.void)
      yield* found("the end of every process", () => !pids.some(isThere))
    }).pipe(Effect.provide(layer)))

  it.live("that ends before its card fails the start with what it said", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(AgentProcess.start(yield* optionsOf("fail")))
      assert.deepInclude(error.reason, { _tag: "ExitedEarly", exitCode: 3 })
      assert.match(error.message, /exit code 3 before its card answered, .*cannot find my model; correct its command/)
      const noProgram = {
        ...yield* optionsOf(),
        command: { line: "no-such-agent", workingDirectory: "/", environment: {} }
      }
      assert.match(
        (yield* Effect.flip(AgentProcess.start(noProgram))).message,
        /exit code 127 .*no-such-agent: not found/
      )
    }).pipe(Effect.provide(layer)))
})
