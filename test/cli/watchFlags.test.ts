// From flags and variables to limits: which wins, and what is refused.
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { hardCap, hardCapMillis, settingsOf, watchFlags } from "../../src/cli/watchFlags.ts"
import { defaults, type LivenessLimits, withPatience } from "../../src/liveness/LivenessLimits.ts"

interface Found {
  readonly limits: LivenessLimits
  readonly stallPolicy: string
  readonly cap: number | null
}

const settings = (flags: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  Effect.gen(function*() {
    let found: Found | undefined
    const command = Command.make("run", { ...watchFlags, hardCap }, (values) =>
      Effect.gen(function*() {
        const settings = yield* settingsOf(values)
        found = { ...settings, cap: yield* hardCapMillis(values.hardCap, settings) }
      }))
    yield* Command.runWith(command, { version: "0" })(flags)
    return found!
  }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
    Effect.provide(NodeServices.layer)
  )

const refusal = (flags: ReadonlyArray<string>, environment?: Record<string, string>) =>
  Effect.map(Effect.flip(settings(flags, environment)), (error) => ({
    message: (error as Error).message,
    code: (error as { readonly exitCode?: number }).exitCode
  }))

const five = withPatience(defaults, 300_000)

describe("the flags of the watch", () => {
  it.effect("are the defaults without a flag", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* settings([]), { limits: defaults, stallPolicy: "enforce", cap: null })
    }))

  it.effect("set one limit each, in flags of their own or in one", () =>
    Effect.gen(function*() {
      const expected = { ...defaults, frozenFloorMillis: 90_000, lostScrapes: 4 }
      const written = [
        ["--liveness", "frozen-floor=90s", "--liveness=lost-scrapes=4"],
        ["--liveness", "frozen-floor=90 seconds, lost-scrapes=4"]
      ]
      for (const flags of written) assert.deepStrictEqual((yield* settings(flags)).limits, expected)
      const variable = { CAMPAIGN_LIVENESS: "frozen-floor=90s; lost-scrapes=4" }
      assert.deepStrictEqual((yield* settings([], variable)).limits, expected)
      // The flag wins as a whole, as every flag does over its variable.
      assert.deepStrictEqual((yield* settings(["--liveness=tick=2s"], variable)).limits, {
        ...defaults,
        tickMillis: 2000
      })
    }))

  it.effect("let one limit win over the stall limit, wherever they stand", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* settings(["--stall-limit", "5min"])).limits, five)
      const expected = { ...five, silentFloorMillis: 60_000, firstTokenCeilingMillis: 1_200_000 }
      const one = "--liveness=silent-floor=60s,first-token-ceiling=20min"
      assert.deepStrictEqual((yield* settings(["--stall-limit=5m", one])).limits, expected)
      assert.deepStrictEqual((yield* settings([one, "--stall-limit=300 seconds"])).limits, expected)
      assert.deepStrictEqual((yield* settings([one], { CAMPAIGN_STALL_LIMIT: "5min" })).limits, expected)
      const { code, message } = yield* refusal(["--stall-limit=5min", "--liveness=silent-floor=10min"])
      assert.strictEqual(code, 2)
      assert.include(message, "contradict each other: silent-floor (10 min) is above silent-ceiling (5 min)")
    }))

  it.effect("say what is wrong, and where it was written", () =>
    Effect.gen(function*() {
      for (
        const [flags, environment, expected] of [
          [
            ["--liveness=frozen-flor=1s"],
            {},
            "--liveness: there is no limit \"frozen-flor\"; did you mean frozen-floor?"
          ],
          [[], { CAMPAIGN_LIVENESS: "tick=soon" }, "CAMPAIGN_LIVENESS: tick must be a time such as 90s or 2min"],
          [["--stall-limit=0"], {}, "--stall-limit must be longer than nothing"],
          [["--stall-limit=500ms"], {}, "contradict each other: tick (1 s) is above suspect-floor (500 ms)"],
          [["--liveness=evidence-fresh=5s"], {}, "contradict each other: evidence-fresh (5 s) must be longer than 5 s"]
        ] as const
      ) {
        const { code, message } = yield* refusal(flags, environment)
        assert.strictEqual(code, 2)
        assert.include(message, expected)
      }
    }))
})

describe("the hard cap", () => {
  it.effect("must leave time to find every run hung: before its first token, and as the outermost hop waits", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* settings(["--hard-cap=1831s"])).cap, 1_831_000)
      // 30 minutes, and two hops of 15 s.
      for (const cap of ["16min", "30min", "1830s"]) {
        const { code, message } = yield* refusal([`--hard-cap=${cap}`])
        assert.strictEqual(code, 2)
        assert.match(
          message,
          /^--hard-cap \(.*\) must be longer than .*: 30 min 30 s, which is first-token-ceiling \(30 min\)/
        )
        assert.match(message, /raise the cap, or lower --stall-limit or first-token-ceiling$/)
      }
      assert.strictEqual((yield* settings(["--hard-cap=331s", "--stall-limit=5min"])).cap, 331_000)
      assert.include((yield* refusal(["--hard-cap=5min", "--stall-limit=5min"])).message, "5 min 30 s")
      const early = ["--liveness=first-token-ceiling=10min"]
      assert.include((yield* refusal(["--hard-cap=15min", ...early])).message, "which is silent-ceiling (15 min)")
    }))

  it.effect("needs somebody who enforces it", () =>
    Effect.gen(function*() {
      for (const policy of ["warn", "off"]) {
        const { code, message } = yield* refusal([`--stall-policy=${policy}`, "--hard-cap=2h"])
        assert.deepStrictEqual([code, message], [
          2,
          `--hard-cap needs --stall-policy enforce: with ${policy} nothing is ever ended`
        ])
      }
    }))
})
