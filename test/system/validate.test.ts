/** `campaign validate` from outside: what it prints, where, and how it ends; and that a campaign keeps its limits. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { settingKeys } from "../../src/liveness/LivenessLimits.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { run, start } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

describe("campaign validate", () => {
  it.live("prints every limit on stdout, 80 columns wide and without colour where nobody looks", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { code, stderr, stdout } = yield* run(["validate", "--liveness", "frozen-floor=90s"], { directory })
      assert.deepStrictEqual([code, stderr], [0, ""])
      const lines = stdout.split("\n")
      for (const line of lines) assert.isAtMost(line.length, 80)
      assert.notInclude(stdout, "\u001b")
      assert.lengthOf(lines.filter((line) => /^[ *] [a-z-]+ {2,}\S/.test(line)), settingKeys.length)
      assert.include(stdout, "\n* frozen-floor               90 s (default 60 s, --liveness)\n")
      assert.deepStrictEqual(readdirSync(directory), [])
    }))

  it.live("has colour where it is asked for, and none with NO_COLOR", () =>
    Effect.gen(function*() {
      const forced = { FORCE_COLOR: "1" }
      assert.include((yield* run(["validate"], { environment: forced })).stdout, "\u001b[32mtick")
      const environment = { ...forced, NO_COLOR: "1" }
      assert.notInclude((yield* run(["validate"], { environment })).stdout, "\u001b")
    }))

  it.live("prints no name that could turn a line around", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* run(["init"], { directory })
      const file = join(directory, "campaign.toml")
      writeFileSync(file, readFileSync(file, "utf8").replace("first-campaign", "back\u202ewards"))
      const { code, stderr, stdout } = yield* run(["validate", "-c", "campaign.toml"], { directory })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.include(stdout, "back wards")
      assert.notInclude(stdout, "\u202e")
    }))

  it.live("prints one JSON object", () =>
    Effect.gen(function*() {
      const environment = { CAMPAIGN_LIVENESS: "lost-scrapes=4", CAMPAIGN_HARD_CAP: "2h", CAMPAIGN_JSON: "true" }
      const { code, stdout } = yield* run(["validate", "--agent", "http://127.0.0.1:9/"], { environment })
      assert.strictEqual(code, 0)
      const json = JSON.parse(stdout)
      assert.deepInclude(json, {
        engines: [],
        contacted: false,
        hardCapMillis: 7_200_000
      })
      const changed = json.limits.filter((limit: any) => !limit.isDefault)
      assert.deepStrictEqual(changed.map(({ name, value }: any) => [name, value]), [["lost-scrapes", 4]])
    }))

  const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
    [
      ["validate", "--liveness", "frozen-flor=90s"],
      2,
      /--liveness: there is no limit "frozen-flor"; did you mean frozen-floor\?/
    ],
    [["run", "--liveness", "lost-scrape=9"], 2, /did you mean lost-scrapes\?/],
    [["validate", "--hard-cap", "20min"], 2, /--hard-cap \(20 min\) must be longer/],
    [["validate", "--agent", "http://127.0.0.1:9/", "--contact"], 1, /purple agent: no connection/],
    [["validate", "--db", "missing.db"], 1, /no file missing\.db/],
    [["validate", "--db", "c.db", "--stall-limit", "5min"], 2, /--stall-limit cannot change it.*CAMPAIGN_STALL_LIMIT/]
  ]
  for (const [args, expected, pattern] of wrong) {
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
})

describe("the limits of a campaign", () => {
  it.live("are stored with it and hold when it is resumed, whatever is asked for then", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      // Nothing comes, and nobody sees the engine: only the stall limit can end an attempt.
      const simulator = Context.get(
        yield* Layer.build(
          Simulator.layer({
            host: "127.0.0.1",
            port: 0,
            // Each process begins with a canary, which is answered.
            faults: ["metrics-down:from=0", "long-prefill:request=2", "long-prefill:request=4"]
          })
        ),
        Simulator
      )
      const target = ["--engine", `${simulator.url}/v1`, "--model", "simulated-model", "--task", "run-length"]
      const begun = yield* start(
        [
          "run",
          ...target,
          "--repeat",
          "1",
          "--db",
          "c.db",
          "--stall-limit",
          "2s",
          "--liveness",
          "lost-scrapes=7,cancel-proof=0"
        ],
        { directory }
      )
      while (!(yield* simulator.streams).some(({ id }) => !id.includes("canary"))) yield* Effect.sleep(20)
      begun.child.kill("SIGINT")
      assert.strictEqual(yield* begun.exit, 130)

      const environment = { CAMPAIGN_STALL_LIMIT: "10min", CAMPAIGN_LIVENESS: "lost-scrapes=9" }
      const resumed = yield* start(["resume", "--db", "c.db", "--ui", "plain"], { directory, environment })
      const [line] = yield* resumed.line(/no token from .*limit .*/)
      assert.match(line, /limit 2\.0 s/)

      // While it is being written to, and without a change to it.
      const before = readFileSync(join(directory, "c.db"))
      const { code, stderr, stdout } = yield* run(["validate", "--db", "c.db"], { directory })
      assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(readFileSync(join(directory, "c.db")), before)
      resumed.child.kill("SIGINT")
      yield* resumed.exit
      assert.match(stdout, /^CAMPAIGN\n {2}\S+, kept in c\.db\n/)
      assert.include(stdout, "\n* silent-ceiling             2 s (default 15 min)\n")
      assert.include(stdout, "\n* lost-scrapes               7 (default 3)\n")
      assert.match(stdout, /\n {6}first token: 2 s, not learned yet \(\d of 199 runs\)\n/)
      assert.deepStrictEqual(readdirSync(directory), ["c.db"])
    }))
})
