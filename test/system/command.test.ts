/** The command from outside: what it prints, what it leaves behind, how it ends. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { root, run, script, start } from "../support/command.ts"
import { cardOf, hostileAgent, json } from "../support/hostileAgent.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const simulator = (options: Partial<Parameters<typeof Simulator.layer>[0]> = {}) =>
  Effect.map(
    Layer.build(
      Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: 2, timeToFirstTokenMillis: 10, ...options })
    ),
    Context.get(Simulator)
  )

const engineArguments = (url: string) => ["--engine", `${url}/v1`, "--model", "simulated-model"]

describe("campaign run", () => {
  it.live("runs the demonstration to its end and prints one JSON object", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { code, stderr, stdout } = yield* run(["run", "--json"], { directory })
      assert.strictEqual(code, 0, stderr)
      const summary = JSON.parse(stdout)
      assert.deepStrictEqual(summary.battles, { planned: 9, scored: 9, unscored: 0, pending: 0 })
      assert.deepStrictEqual(summary.attempts, {
        total: 9,
        completed: 9,
        stalled: 0,
        slow: 0,
        failed: 0,
        cancelled: 0,
        abandoned: 0
      })
      assert.strictEqual(summary.tasks.length, 3)
      assert.isAbove(summary.tokens, 500)
      assert.isAbove(summary.ttftMs.p50, 100)
      assert.isAtLeast(summary.ttftMs.p95, summary.ttftMs.p50)
      // The simulated engine is right sometimes, and the scores show it.
      assert.isAbove(summary.score, 0)
      assert.isBelow(summary.score, 1)
      // One file, named on stderr, and nothing else.
      assert.deepStrictEqual(readdirSync(directory), [summary.db])
      assert.include(stderr, summary.db)
      // No line per token where stderr is no terminal.
      assert.isBelow(stderr.split("\n").length, 40)
    }))

  it.live("gives the same scores for the same seed, and others for another", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const scores = (seed: number) =>
        Effect.gen(function*() {
          const { url } = yield* simulator({ seed })
          const { stdout } = yield* run(
            [
              "run",
              ...engineArguments(url),
              "--json",
              "--ui",
              "none",
              "-j",
              "9",
              "--seed",
              String(seed),
              "--db",
              `${seed}-${performance.now()}.db`
            ],
            { directory }
          )
          const { tasks, tokens } = JSON.parse(stdout)
          return JSON.stringify([tasks.map((task: any) => task.score), tokens])
        })
      const first = yield* scores(7)
      assert.strictEqual(yield* scores(7), first)
      assert.isAbove(new Set([first, yield* scores(8), yield* scores(9)]).size, 1)
    }))

  it.live("plays any A2A agent by its address", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { url } = yield* simulator()
      const purple = yield* start(["serve", "purple", "--port", "0", ...engineArguments(url)])
      const [, purpleUrl] = yield* purple.line(/listens at (\S+)/)
      const { code, stderr, stdout } = yield* run(
        ["run", "--agent", purpleUrl!, "--repeat", "1", "--task", "run-length", "--ui", "plain"],
        { directory }
      )
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /Campaign \S+ against purple agent on simulated-model/)
      assert.match(stdout, /run-length\s+1\/1/)
      assert.match(stderr, /scored score=/)
    }))

  it.live("keeps the key out of everything it prints and stores", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { url } = yield* simulator({ apiKey: "sk-right-1" })
      const environment = (key: string) => ({ environment: { CAMPAIGN_API_KEY: key }, directory })
      const good = yield* run(
        ["run", ...engineArguments(url), "--db", "good.db", "--repeat", "1"],
        environment("sk-right-1")
      )
      assert.strictEqual(good.code, 0, good.stderr)
      const bad = yield* run(["run", ...engineArguments(url), "--db", "bad.db"], environment("sk-wrong-2"))
      assert.strictEqual(bad.code, 1)
      assert.match(bad.stderr, /rejected the request \(401\).*CAMPAIGN_API_KEY/)
      const everything = good.stdout + good.stderr + bad.stdout + bad.stderr +
        readFileSync(join(directory, "good.db"), "latin1")
      assert.notInclude(everything, "sk-right-1")
      assert.notInclude(everything, "sk-wrong-2")
      assert.isFalse(existsSync(join(directory, "bad.db")))
    }))
})

// They wait for tokens most of the time, so they wait together.
describe("an interruption", { concurrent: true }, () => {
  for (
    const [when, signal] of [["while battles run", "SIGINT"], ["while it starts", "SIGINT"], [
      "by SIGTERM",
      "SIGTERM"
    ]] as const
  ) {
    it.live(`stops everything, exits 130 and says how to go on: ${when}`, () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const running = yield* start(["run", "--db", "c.db", "--repeat", "1"], { directory })
        if (when === "while it starts") yield* Effect.sleep(300)
        else yield* running.line(/scored score/)
        running.child.kill(signal)
        assert.strictEqual(yield* running.exit, 130)
        assert.isFalse(running.anyLeft())
        if (when === "while it starts" && !running.stderr().includes("what was finished is kept")) {
          // Node itself may not have got as far as our first line.
          assert.match(running.stderr(), /^(campaign: interrupted .*nothing was stored\n)?$/)
          assert.deepStrictEqual(readdirSync(directory), [])
          return
        }
        assert.match(
          running.stderr(),
          /interrupted, what was finished is kept; go on with: \S*campaign resume --db c\.db/
        )
        assert.deepStrictEqual(readdirSync(directory), ["c.db"])

        const { code, stderr, stdout } = yield* run(["resume", "--db", "c.db", "--ui", "json"], { directory })
        assert.strictEqual(code, 0, stderr)
        const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
        assert.deepStrictEqual(
          [lines[0], lines.at(-2), lines.at(-1)].map(({ _tag }) => _tag),
          ["CampaignBegan", "CampaignEnded", "Summary"]
        )
        const summary = lines.at(-1)
        assert.deepStrictEqual(summary.battles, { planned: 3, scored: 3, unscored: 0, pending: 0 })
        assert.strictEqual(summary.attempts.completed, 3)
        if (when !== "while it starts") assert.isAbove(summary.attempts.cancelled, 0)
      }))
  }

  it.live("closes the engine's stream within a second", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      // The canary passes, and then each of three answers takes its time.
      const { streams, url } = yield* simulator({ faults: ["drip:request=2-4"] })
      const running = yield* start(["run", ...engineArguments(url)], { directory })
      while ((yield* streams).length < 3) yield* Effect.sleep(20)
      running.child.kill("SIGINT")
      const before = performance.now()
      while ((yield* streams).length > 0) yield* Effect.sleep(10)
      assert.isBelow(performance.now() - before, 1000)
      assert.strictEqual(yield* running.exit, 130)
    }))
})

describe("the token of an agent", () => {
  it.live("is sent to it, and shown nowhere", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const server = yield* hostileAgent({
        card: (response, url, { headers }) =>
          headers.authorization === "Bearer right-1"
            ? json(response, { ...cardOf(url), capabilities: {} })
            : json(response, "no", 401)
      })
      const asked = (token: string) =>
        run(["run", "--mode", "stream", "--agent", server.url], {
          environment: { CAMPAIGN_AGENT_TOKEN: token },
          directory
        })
      const [none, wrong, right] = [yield* asked(""), yield* asked("wrong-2"), yield* asked("right-1")]
      assert.match(none.stderr, /it wants a token; put it into CAMPAIGN_AGENT_TOKEN/)
      assert.match(wrong.stderr, /does not take the token in CAMPAIGN_AGENT_TOKEN/)
      assert.match(right.stderr, /says that it does not stream/)
      assert.notMatch(wrong.stdout + wrong.stderr + right.stdout + right.stderr, /wrong-2|right-1/)
    }))
})

describe("wrong input", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
    [["run", "--engine", "nonsense", "--model", "m"], 1, /nonsense is not a URL; expected/],
    [["run", "--engine", "http://h/v1?key=s3", "--model", "m"], 1, /^(?!.*s3)campaign: --engine must have no query/],
    [["run", "--engine", "http://127.0.0.1:9/v1", "--model", "m"], 1, /no connection to http:\/\/127\.0\.0\.1:9\/v1/],
    [["run", "--agent", "http://127.0.0.1:9/"], 1, /purple agent: no connection/],
    [["run", "--engine", "http://key@127.0.0.1:9/v1", "--model", "m"], 1, /CAMPAIGN_API_KEY/],
    [["resume", "--db", "missing.db"], 1, /missing\.db/],
    [["run", "--engine", "http://127.0.0.1:9/v1"], 2, /--engine needs --model/],
    [["run", "--model", "m"], 2, /--model needs --engine/],
    [["run", "--task", "nope"], 2, /no such task; there are roman-numerals/],
    [["run", "--repeat", "0"], 2, /--repeat/],
    [["run", "--bogus"], 2, /--bogus/],
    [["bogus"], 2, /bogus/],
    [["serve", "purple"], 2, /--engine/],
    [["serve", "green", "--allow-participant", "http://purple/"], 2, /--allow-participant.*host:port/]
  ]
  for (const [args, expected, pattern] of cases) {
    it.live(`\`campaign ${args.join(" ")}\` is one clear line and exit ${expected}`, () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const { code, stderr, stdout } = yield* run(args, { directory })
        assert.deepStrictEqual({ code, stdout }, { code: expected, stdout: "" }, stderr)
        assert.match(stderr, pattern)
        assert.strictEqual(stderr.trimEnd().split("\n").length, 1, stderr)
        assert.deepStrictEqual(readdirSync(directory), [])
      }))
  }

  it.live("a wrong model name lists the models there are", () =>
    Effect.gen(function*() {
      const { url } = yield* simulator()
      const { code, stderr } = yield* run(["run", "--engine", url, "--model", "other"])
      assert.strictEqual(code, 1)
      assert.match(stderr, /model "other" is not served at \S+; it serves "simulated-model"/)
    }))

  it.live("a port in use is named", () =>
    Effect.gen(function*() {
      const port = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      ).pipe(Effect.map((server) => String((server.address() as AddressInfo).port)))
      for (const verb of [["sim"], ["serve", "green"]]) {
        const { code, stderr } = yield* run([...verb, "--port", port])
        assert.strictEqual(code, 1)
        assert.match(stderr, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is already in use`))
      }
    }))

  it.live("a store that exists already, or is none, is left as it is", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const file = join(directory, "notes.txt")
      writeFileSync(file, "not a database")
      for (const verb of ["run", "resume"]) {
        const { code, stderr } = yield* run([verb, "--db", "notes.txt"], { directory })
        assert.strictEqual(code, 1)
        assert.include(stderr, "notes.txt")
      }
      assert.strictEqual(readFileSync(file, "utf8"), "not a database")
    }))
})

describe("an older Node", () => {
  /** Makes the first process believe that it is Node 20. */
  const pretend = (directory: string) => {
    const file = join(directory, "pretend.cjs")
    writeFileSync(
      file,
      "Object.defineProperty(process, \"versions\", { value: { ...process.versions, node: \"20.20.2\" } })"
    )
    return ["--require", file]
  }

  it.live("goes on with the installed one, arguments, exit code and all", () =>
    Effect.gen(function*() {
      const nodeOptions = pretend(yield* temporaryDirectory)
      const version = yield* run(["--version"], { nodeOptions })
      assert.deepStrictEqual([version.code, version.stdout.trim()], [0, "campaign v0.1.0"])
      assert.strictEqual((yield* run(["run", "--bogus"], { nodeOptions })).code, 2)
      const sim = yield* start(["sim", "--port", "0"], { nodeOptions })
      yield* sim.line(/listens at/)
      sim.child.kill("SIGINT")
      assert.strictEqual(yield* sim.exit, 130)
      assert.isFalse(sim.anyLeft())
    }))

  it.live("says in one line what to install where there is none", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      cpSync(join(root, "bin"), join(directory, "bin"), { recursive: true })
      const { code, stderr } = yield* run(["run"], {
        nodeOptions: pretend(directory),
        script: join(directory, "bin/campaign")
      })
      assert.strictEqual(code, 1)
      assert.match(stderr, /^campaign: needs Node 22\.19 or newer, this is 20\.20\.2; run `npm ci`.*\n$/)
    }))

  it.live("the script is one that an older Node can read", () =>
    Effect.sync(() => {
      assert.notMatch(
        readFileSync(script, "utf8").replaceAll(/\/\/.*$/gm, ""),
        /=>|\?\.|\?\?|`[^`]*\$\{|^import |\bconst\b/m
      )
    }))
})
