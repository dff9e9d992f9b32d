// Command lines as real processes: what they get, what is kept of their output, and that nothing of them is left.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawn as spawnChild } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { ShellCommand } from "../../src/agents/ProcessSpawner.ts"
import * as ShellProcess from "../../src/agents/ShellProcess.ts"
import { agentLine, found, freePort, isThere } from "../support/agentProcesses.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const parent = fileURLToPath(import.meta.resolve("../support/parentScript.ts"))

/** A command with a log of its own. */
const commandOf = Effect.fnUntraced(function*(line: string, more: Partial<ShellCommand> = {}) {
  const logFile = join(yield* temporaryDirectory, "logs", "agent.log")
  return { line, workingDirectory: tmpdir(), environment: {}, logFile, ...more }
})

const outputOf = Effect.fnUntraced(function*(line: string, more: Partial<ShellCommand> = {}) {
  const running = yield* ShellProcess.spawn(yield* commandOf(line, more))
  const end = yield* running.exit
  return { end, lines: yield* running.lastLines }
})

/** A process in a scope that the test closes. */
const started = Effect.fnUntraced(function*(line: string, more: Partial<ShellCommand> = {}) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const command = yield* commandOf(line, more)
  const running = yield* Scope.provide(ShellProcess.spawn(command), scope)
  const log = () => readFileSync(command.logFile, "utf8")
  return { ...running, log, close: Scope.close(scope, Exit.void) }
})

/** The pid that is said in the output. */
const saidPid = (log: () => string, pattern: RegExp) =>
  Effect.map(found(String(pattern), () => pattern.exec(log())), (match) => Number(match[1]))

/** A process that has started the command and waits. */
const campaignOf = (line: string, directory: string, environment: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawnChild(process.execPath, ["--no-warnings", parent, line, directory], {
        env: { ...process.env, ...environment },
        stdio: "ignore"
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** The watchdogs that this process has; Linux only. */
const watchdogs = (): ReadonlyArray<string> =>
  readdirSync("/proc").filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
      const [state, parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      const isOurs = Number(parentPid) === process.pid && state !== "Z"
      return isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("read -r group")
    } catch {
      return false
    }
  })

describe("ShellProcess", () => {
  it.live("tells how the command ended and what it said last", () =>
    Effect.gen(function*() {
      const { end, lines } = yield* outputOf("echo one; echo two >&2; exit 3")
      assert.deepStrictEqual(end, { exitCode: 3, signal: null })
      assert.sameMembers([...lines], ["one", "two"])
      assert.deepStrictEqual((yield* outputOf("kill -KILL $$")).end, { exitCode: null, signal: "SIGKILL" })
      assert.match((yield* outputOf("no-such-program")).lines.join(" "), /no-such-program: not found/)
    }))

  it.live("gives the command its directory and environment, and none of the campaign's secrets or descriptors", () =>
    Effect.gen(function*() {
      const line = "pwd; echo $GIVEN $A2A_TEST_INHERITED; env | grep ^CAMPAIGN_; [ -e /dev/fd/3 ] && echo a descriptor"
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const name of ["API_KEY", "AGENT_TOKEN", "SERVE_TOKEN"]) process.env[`CAMPAIGN_${name}`] = "secret"
          process.env["A2A_TEST_INHERITED"] = "inherited"
        }),
        () =>
          Effect.sync(() => {
            for (const name of ["API_KEY", "AGENT_TOKEN", "SERVE_TOKEN"]) delete process.env[`CAMPAIGN_${name}`]
            delete process.env["A2A_TEST_INHERITED"]
          })
      )
      const environment = { GIVEN: "a b", CAMPAIGN_API_KEY: "mine" }
      const { lines } = yield* outputOf(line, { environment, workingDirectory: "/" })
      assert.deepStrictEqual(lines, ["/", "a b inherited", "CAMPAIGN_API_KEY=mine"])
    }))

  it.live("fails where there is nothing to start it with", () =>
    Effect.gen(function*() {
      const nowhere = yield* Effect.flip(outputOf("true", { workingDirectory: "/no/such/directory" }))
      assert.match(nowhere.detail, /directory \/no\/such\/directory does not exist/)
      const noLog = yield* Effect.flip(outputOf("true", { logFile: "/dev/null/agent.log" }))
      assert.match(noLog.detail, /ENOTDIR|EEXIST/)
      const noEnvironment = yield* Effect.flip(outputOf("true", { environment: { A: "a\0b" } }))
      assert.match(noEnvironment.detail, /null bytes/)
    }))

  it.live("appends the output to the log over several starts, up to its bound and a line that says so", () =>
    Effect.gen(function*() {
      const command = { ...yield* commandOf("head -c 3000 /dev/zero | tr '\\0' x; echo; echo last"), logBytes: 5_000 }
      for (let start = 1; start <= 3; start++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const running = yield* ShellProcess.spawn(command)
          yield* running.exit
          assert.strictEqual((yield* running.lastLines).at(-1), "last")
        }))
        const text = readFileSync(command.logFile, "utf8")
        assert.strictEqual(text.split("campaign: cut here, at 5000 bytes").length - 1, start === 1 ? 0 : 1)
        if (start === 1) {
          assert.match(text, /^campaign: \S+ started as process \d+\nx{3000}\nlast\ncampaign: \S+ process/)
        }
      }
      assert.isAtMost(statSync(command.logFile).size, 5_000 + 50)
    }))

  it.live("reads any amount of output and keeps little of it", () =>
    Effect.gen(function*() {
      const { end, lines } = yield* outputOf("head -c 30000000 /dev/zero; echo; echo done", { logBytes: 1_000 })
      assert.deepStrictEqual(end, { exitCode: 0, signal: null })
      assert.strictEqual(lines.at(-1), "done")
      assert.isAtMost(lines.join("").length, 8_192)
    }))

  it.live("lets the command end by itself when the scope closes", () =>
    Effect.gen(function*() {
      // The shell goes at once; what it has started takes its time.
      const slow = "trap 'sleep 0.3; echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
      const running = yield* started(`sh -c "${slow}"; true`)
      yield* found("ready", () => running.log().includes("ready"))
      const from = performance.now()
      yield* running.close
      // Nor is a process waited for that is dead and that nobody has asked yet how it died.
      assert.isBelow(performance.now() - from, 4_000)
      assert.include(running.log(), "bye\n")
      yield* found("the end of the group", () => !isThere(-running.pid))
    }))

  it.live("kills who is deaf, and what it has started, after the grace", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const running = yield* started(agentLine("deaf", "child"), { environment: { PORT: `${port}` }, grace: 300 })
      const child = yield* saidPid(running.log, /child (\d+)/)
      yield* saidPid(running.log, /listening as process (\d+)/)
      assert.isTrue(isThere(child))
      const from = performance.now()
      yield* running.close
      assert.isAtLeast(performance.now() - from, 290)
      assert.include(running.log(), "deaf to SIGTERM")
      assert.include(running.log(), "ended by SIGKILL")
      yield* found("the end of the child", () => !isThere(child))
    }))

  it.live("ends what a command has left behind that ended by itself", () =>
    Effect.gen(function*() {
      const running = yield* started("sleep 1000 & echo left $!; exit 5", { grace: 10_000 })
      assert.deepStrictEqual(yield* running.exit, { exitCode: 5, signal: null })
      const left = yield* saidPid(running.log, /left (\d+)/)
      assert.isTrue(isThere(left))
      const from = performance.now()
      yield* running.close
      assert.isBelow(performance.now() - from, 5_000)
      yield* found("the end of what was left", () => !isThere(left))
    }))

  it.live.skipIf(process.platform !== "linux")(
    "does not wait for the dead that nobody reaps, nor for who left",
    () =>
      Effect.gen(function*() {
        // The parent of `true` never asks for it, and moves out of the group.
        const running = yield* started("(true & exec setsid sh -c 'echo left $$; exec sleep 1000') & wait; exit 0")
        const left = yield* saidPid(running.log, /left (\d+)/)
        yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(left, "SIGKILL")))
        const from = performance.now()
        yield* running.close
        assert.isBelow(performance.now() - from, 3_000)
        assert.isTrue(isThere(-running.pid) && isThere(left))
      })
  )

  it.live.skipIf(process.platform !== "linux")("dismisses its watchdog", () =>
    Effect.gen(function*() {
      const running = yield* started("sleep 1000")
      yield* found("the watchdog", () => watchdogs().length === 1)
      yield* running.close
      yield* found("its end", () => watchdogs().length === 0)
    }))

  it.live("asks the command to end when its own process is killed, before it kills it", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const file = (name: string) => join(directory, name)
      // The shell tells of the end of `sleep`, where nobody reads any more: that would end it as well.
      const trap = `trap 'echo asked > "${file("asked")}"; exit 0' TERM`
      const line = `exec 2>/dev/null; ${trap}; : > "${file("ready")}"; while :; do sleep 0.05; done`
      const campaign = yield* campaignOf(line, directory)
      yield* found("the command", () => existsSync(file("ready")))
      campaign.kill("SIGKILL")
      yield* found("that it was asked", () => existsSync(file("asked")))
    }))

  for (const words of [["child"], ["deaf", "child"]]) {
    it.live(`leaves nothing when its own process is killed (${words.join(", ")})`, () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const log = () => {
          const file = join(directory, "agent.log")
          return existsSync(file) ? readFileSync(file, "utf8") : ""
        }
        const port = yield* freePort
        const campaign = yield* campaignOf(agentLine(...words), directory, { PORT: `${port}` })
        const group = yield* saidPid(log, /started as process (\d+)/)
        const child = yield* saidPid(log, /child (\d+)/)
        const agent = yield* saidPid(log, /listening as process (\d+)/)
        assert.isTrue(isThere(-group) && isThere(child) && isThere(agent))
        campaign.kill("SIGKILL")
        yield* found("the end of all of them", () => !isThere(child) && !isThere(agent) && !isThere(-group))
      }))
  }
})
