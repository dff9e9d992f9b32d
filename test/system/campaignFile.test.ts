/** Campaigns from files, as a person plays them: from `init` to `report`, and what a wrong file gets. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { run, script, start } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** A campaign that takes a second: any answer is right, and none is run. */
const quick = `name = "quick"
repeat = 2
[[task]]
id = "talk"
prompt = "Say something."
grader = { kind = "text", match = "regex", pattern = "\\\\w" }
`

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const json = (text: string) => JSON.parse(text.trim().split("\n").at(-1)!)

describe("a campaign file", () => {
  it.live("is written, looked at, played, gone on with and reported", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const campaign = (...args: ReadonlyArray<string>) => run(args, { directory })
      const first = yield* campaign("init")
      assert.deepStrictEqual([first.code, first.stderr], [0, ""])
      const again = yield* campaign("init")
      assert.strictEqual(again.code, 1)
      assert.match(again.stderr, /^campaign: campaign\.toml exists already and was left as it is;.*\n$/)
      const plan = yield* campaign("validate", "-c", "campaign.toml", "--repeat", "5")
      assert.strictEqual(plan.code, 0, plan.stderr)
      assert.match(plan.stdout, /first-campaign: 15 battles = 3 tasks × 1 agent × 5 repetitions\s+\(--repeat\)/)
      assert.match(plan.stdout, /seed: 1 \(campaign\.toml:\d+\)/)
      for (const line of plan.stdout.split("\n")) assert.isAtMost(line.length, 80)

      writeFileSync(join(directory, "quick.toml"), quick)
      const dry = yield* campaign("run", "-c", "quick.toml", "--db", "q.db", "--dry-run", "--json")
      assert.strictEqual(dry.code, 0, dry.stderr)
      assert.deepInclude(json(dry.stdout).plan, { name: "quick", battles: 2, repetitions: 2 })
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["campaign.toml", "quick.toml"])

      const played = yield* campaign("run", "-c", "quick.toml", "--db", "q.db", "--json", "--ui", "none")
      assert.strictEqual(played.code, 0, played.stderr)
      assert.deepInclude(json(played.stdout), { campaign: "quick", score: 1, end: "ended" })
      const before = readFileSync(join(directory, "q.db"))
      // The predecessor's dry run wrote into the real database.
      const over = yield* campaign("run", "-c", "quick.toml", "--db", "q.db", "--dry-run")
      assert.match(over.stderr, /q\.db exists already/)
      const looked = yield* campaign("validate", "-c", "quick.toml", "--db", "q.db")
      assert.match(looked.stderr, /q\.db has the same settings/)
      assert.isTrue(before.equals(readFileSync(join(directory, "q.db"))))

      writeFileSync(join(directory, "quick.toml"), quick.replace("repeat = 2", "repeat = 3"))
      const more = yield* campaign("resume", "--db", "q.db", "-c", "quick.toml", "--json", "--ui", "none")
      assert.strictEqual(more.code, 0, more.stderr)
      assert.match(more.stderr, /may change {4}repeat: 2 before, 3 now/)
      assert.deepInclude(json(more.stdout).battles, { planned: 3, scored: 3 })
      writeFileSync(join(directory, "quick.toml"), quick.replace("Say something.", "Say nothing."))
      const other = yield* campaign("resume", "--db", "q.db", "-c", "quick.toml")
      assert.strictEqual(other.code, 1)
      assert.match(other.stderr, /another campaign than the one in q\.db: .*task talk: its prompt is another one/)
      const report = yield* campaign("report", "--db", "q.db")
      assert.match(report.stdout, /talk +3\/3 +1\.00 +3\/3/)
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["campaign.toml", "q.db", "quick.toml"])
    }), 60_000)

  const wrong: ReadonlyArray<readonly [text: string, RegExp]> = [
    ["repat = 3\n", /^campaign: c\.toml:1:1: repat: there is no key "repat" here; did you mean repeat\?\n/],
    ["repeat = 3\nseed = \n", /^campaign: c\.toml:\d+:\d+: /],
    ["[[task]]\nid = \"a\"\nprompt = \"${NOT_SET_HERE}\"\n", /c\.toml:3:\d+: .*NOT_SET_HERE/],
    [
      `${quick}hard-cap = "20min"\n`.replace("[[task]]", "hard-cap = \"20min\"\n[[task]]").replace(
        /hard-cap = "20min"\n$/,
        ""
      ),
      /c\.toml:3:\d+: hard-cap: .*must be longer/
    ],
    [quick.replace("regex\"", "rgex\""), /c\.toml:\d+:\d+: .*regex/],
    [
      quick.replace(/grader = .*/, "grader = { kind = \"command\", command = [\"no-such-program\"] }"),
      /task talk: the task cannot be graded here: .*no-such-program/
    ]
  ]
  it.live("that is wrong is refused by its line, and nothing is written", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* Effect.forEach(wrong, ([text, pattern], index) =>
        Effect.gen(function*() {
          const folder = yield* temporaryDirectory
          writeFileSync(join(folder, "c.toml"), text)
          const { code, stderr, stdout } = yield* run(["run", "-c", "c.toml", "--db", `${index}.db`], {
            directory: folder
          })
          assert.deepStrictEqual([code, stdout], [1, ""], text)
          assert.match(stderr, pattern)
          assert.deepStrictEqual(readdirSync(folder), ["c.toml"])
        }), { concurrency: 2 })
      const { code, stderr } = yield* run(["run", "-c", "nowhere.toml"], { directory })
      assert.strictEqual(code, 1)
      assert.match(stderr, /nowhere\.toml/)
    }), 60_000)

  it.live("may hold results to a share without a score", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const sim = yield* start(["sim", "--port", "0", "--model", "m", "--fault", "rejected:request=2"])
      const [, url] = yield* sim.line(/listens at (\S+),/)
      writeFileSync(
        join(directory, "c.toml"),
        `${quick}\n[[engine]]\nname = "e"\nurl = "${url}"\n[[agent]]\nname = "a"\nengine = "e"\n`
      )
      const held = yield* run(["run", "-c", "c.toml", "--db", "c.db", "--ui", "none", "--fail-on-error", "10%"], {
        directory
      })
      assert.strictEqual(held.code, 100, held.stderr)
      assert.match(held.stderr, /1 of 2 battles have no score, more than --fail-on-error 10% allows/)
      const usage = yield* run(["run", "--fail-on-error", "often"], { directory })
      assert.strictEqual(usage.code, 2)
    }), 60_000)

  it.live("of AgentBeats starts its agents, waits for them, plays, and stops them", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const sim = yield* start(["sim", "--port", "0", "--model", "m", "--inter-token-latency", "1"])
      const [, engine] = yield* sim.line(/listens at (\S+),/)
      const [green, purple] = [yield* freePort, yield* freePort]
      const serve = (kind: string, port: number, more = "") =>
        `exec ${process.execPath} ${script} serve ${kind} --host 127.0.0.1 --port ${port}${more}`
      writeFileSync(
        join(directory, "scenario.toml"),
        `[green_agent]
endpoint = "http://127.0.0.1:${green}"
cmd = "${serve("green", green)}"
[[participants]]
role = "coder"
endpoint = "http://127.0.0.1:${purple}"
cmd = "${serve("purple", purple, ` --engine ${engine} --model m`)}"
[config]
tasks = ["run-length"]
`
      )
      const running = yield* start(["run", "-c", "scenario.toml", "--db", "s.db", "--json", "--ui", "plain"], {
        directory
      })
      assert.strictEqual(yield* running.exit, 0, running.stderr())
      const summary = json(running.stdout())
      assert.deepInclude(summary, { agent: "coder", end: "ended" })
      assert.deepInclude(summary.battles, { planned: 1, scored: 1 })
      assert.isAbove(summary.tokens, 20)
      assert.isFalse(running.anyLeft())
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["s.db", "s.db.logs", "scenario.toml"])
      for (const port of [green, purple]) {
        const alive = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false))
        assert.isFalse(alive)
      }
    }), 60_000)
})
