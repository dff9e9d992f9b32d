/** A campaign in one process, and what others can see of it and ask of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { run, start } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** An engine whose answers take some seconds, and none once it is told to hurry. */
const slowEngine = Effect.gen(function*() {
  const context = yield* Layer.build(
    Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: 20, timeToFirstTokenMillis: 10 })
  )
  const { url } = Context.get(context, Simulator)
  const body = JSON.stringify({ "inter-token-latency": 0 })
  return {
    flags: ["--engine", `${url}/v1`, "--model", "simulated-model"],
    hurry: Effect.promise(() => fetch(`${url}/admin/config`, { method: "POST", body }))
  }
})

/** A campaign from the moment in which its first battle has begun. */
const running = (directory: string, ...args: ReadonlyArray<string>) =>
  Effect.tap(start([args[0]!, "--db", "c.db", ...args.slice(1)], { directory }), ({ line }) => line(/began/))

/** The verbs of another terminal. */
const terminal = (directory: string) => {
  const ask = (...args: ReadonlyArray<string>) => run([args[0]!, "--db", "c.db", ...args.slice(1)], { directory })
  return {
    ask,
    said: (...args: ReadonlyArray<string>) =>
      Effect.map(ask(...args), ({ code, stderr, stdout }) => {
        assert.strictEqual(code, 0, stderr)
        return stdout.trim()
      }),
    refused: (expected: number, ...args: ReadonlyArray<string>) =>
      Effect.map(ask(...args), ({ code, stderr, stdout }) => {
        assert.deepStrictEqual([code, stdout], [expected, ""])
        assert.strictEqual(stderr.trimEnd().split("\n").length, 1)
        return stderr
      }),
    status: Effect.map(ask("status", "--json"), ({ stderr, stdout }) => {
      assert.strictEqual(stderr, "")
      return JSON.parse(stdout)
    })
  }
}

describe("from another terminal", () => {
  it.live("a campaign is seen, narrowed, widened, paused and killed, and nothing of it is lost", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { ask, refused, said, status } = terminal(directory)
      const engine = yield* slowEngine
      const first = yield* running(directory, "run", "--repeat", "6", ...engine.flags)
      const pid = first.child.pid!

      const [seen, twice, unknown] = yield* Effect.all(
        [status, refused(1, "resume"), refused(2, "cancel", "--task", "run-lenght")],
        { concurrency: "unbounded" }
      )
      assert.deepInclude(seen, { situation: "running", resume: null })
      assert.deepInclude(seen.process, { pid })
      assert.strictEqual(seen.battles.planned, 18)
      assert.isAtLeast(seen.inFlight.length, 1)
      assert.include(twice, `process ${pid}`)
      assert.match(unknown, /no such task.*mean run-length\? there are balanced-brackets, roman-numerals, run-length/)

      const given = yield* said("cancel", "--task", "run-length")
      assert.match(given, /^\d battles? will have no score; the campaign goes on with the rest$/)
      assert.strictEqual(yield* said("retry", "--unscored"), given.replace(/have no.*/, "be played again"))

      const paused = yield* said("pause", "--wait")
      assert.match(paused, /^paus(ed|ing: \d battles? in flight will be finished first)\n.*has ended$/)
      assert.strictEqual(yield* first.exit, 130)
      assert.match(first.stderr(), /paused from another terminal; go on with: \S*campaign resume --db c\.db/)

      const second = yield* running(directory, "resume")
      second.child.kill("SIGKILL")
      yield* second.exit
      const [killed, nothing] = yield* Effect.all([status, refused(1, "pause")], { concurrency: "unbounded" })
      assert.deepInclude(killed, { situation: "interrupted", process: null })
      assert.match(killed.resume, /campaign resume --db c\.db$/)
      // Whatever was in flight when it was paused was finished; what was in flight when it was killed is seen.
      assert.deepInclude(killed.attempts, { completed: killed.battles.scored, cancelled: 0 })
      assert.isAtLeast(killed.inFlight.length, 1)
      assert.match(nothing, /nothing to pause: no process runs c\.db; go on with it by: \S*campaign resume --db c\.db/)

      yield* engine.hurry
      const { stdout } = yield* ask("resume", "--json", "--ui", "none")
      const { attempts, battles } = JSON.parse(stdout)
      assert.deepStrictEqual(battles, { planned: 18, scored: 18, unscored: 0, pending: 0 })
      assert.deepInclude(attempts, { completed: 18, abandoned: killed.inFlight.length })
    }))

  it.live("a campaign is stopped at once, changed while nobody runs it, and ended for good", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { said, status } = terminal(directory)
      const engine = yield* slowEngine
      const first = yield* running(directory, "run", "--repeat", "2", ...engine.flags)
      assert.match(yield* said("pause", "--now"), /^paused: \d battles? in flight will be played again$/)
      assert.strictEqual(yield* first.exit, 130)

      // Nobody runs it, so nothing is in flight.
      const given = yield* said("cancel", "--task", "run-length")
      assert.match(given, /^[12] battles? will have no score; go on with the rest by: \S*campaign resume/)
      const again = yield* said("retry", "--task", "run-length")
      assert.match(again, /^[12] battles? will be played again by: \S*campaign resume/)
      assert.strictEqual(again.slice(0, 1), given.slice(0, 1))

      const second = yield* running(directory, "resume")
      assert.match(yield* said("cancel"), /^cancelled: \d battles? will have no score$/)
      assert.strictEqual(yield* second.exit, 1)
      assert.match(second.stderr(), /cancelled: what was pending has no score/)
      const [{ battles, inFlight, situation }, text] = yield* Effect.all([status, said("retry", "--slow")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([situation, inFlight, battles.pending], ["cancelled", [], 0])
      assert.strictEqual(text, `no battle matches: ${battles.unscored} unscored: ${battles.unscored} given up`)
    }))
})
