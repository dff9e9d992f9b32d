// From flags to settings: what excludes what, and what stays a default.
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { settingsOf, simulatorFlags } from "../../src/cli/simulatorFlags.ts"

/** The settings for a line of flags, and what ended the command. */
const settings = (flags: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  Effect.gen(function*() {
    let found: Effect.Success<ReturnType<typeof settingsOf>> | undefined
    const command = Command.make("sim", simulatorFlags, (values) =>
      Effect.map(settingsOf(values), (settings) => {
        found = settings
      }))
    yield* Command.runWith(command, { version: "0" })(flags)
    return found!
  }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
    Effect.provide(NodeServices.layer)
  )

describe("the flags of the simulated engine", () => {
  it.effect("leave the defaults to the engine", () =>
    Effect.gen(function*() {
      const { answers, apiKey, interTokenMillis, latencyDistribution, midStreamError, timeToFirstTokenMillis } =
        yield* settings([])
      assert.deepStrictEqual(
        [answers, apiKey, interTokenMillis, latencyDistribution, midStreamError, timeToFirstTokenMillis],
        Array(6).fill(undefined)
      )
    }))

  it.effect("read llm-d's profiles as they are, and plain milliseconds as ever", () =>
    Effect.gen(function*() {
      const profile = "--latency-calculator=per-token --inter-token-latency=12ms --inter-token-latency-std-dev=2ms " +
        "--prefill-overhead=30ms --prefill-time-per-token=250us --prefill-time-std-dev=5ms " +
        "--kv-cache-transfer-time-per-token=3us --kv-cache-transfer-time-std-dev=200us --time-factor-under-load=2.0"
      assert.deepInclude(yield* settings(profile.split(" ")), {
        latencyCalculator: "per-token",
        interTokenMillis: 12,
        interTokenDeviationMillis: 2,
        prefillOverheadMillis: 30,
        prefillMillisPerToken: 0.25,
        prefillDeviationMillis: 5,
        kvCacheTransferMillisPerToken: 0.003,
        kvCacheTransferPerTokenDeviationMillis: 0.2,
        timeFactorUnderLoad: 2
      })
      const constant = "--time-to-first-token 600000 --time-to-first-token-std-dev 1.5 --kv-cache-transfer-latency 2 " +
        "--kv-cache-transfer-latency-std-dev 0.4 --latency-distribution normal"
      assert.deepInclude(yield* settings(constant.split(" ")), {
        timeToFirstTokenMillis: 600_000,
        timeToFirstTokenDeviationMillis: 1.5,
        kvCacheTransferMillis: 2,
        kvCacheTransferDeviationMillis: 0.4,
        latencyDistribution: { _tag: "Normal" }
      })
    }))

  it.effect("have variables, which flags overrule, and a key that is a variable only", () =>
    Effect.gen(function*() {
      const environment = {
        CAMPAIGN_INTER_TOKEN_LATENCY: "1.5s",
        CAMPAIGN_TIME_TO_FIRST_TOKEN: "300",
        CAMPAIGN_ANSWER: "Yes.",
        CAMPAIGN_OLD_METRIC_NAMES: "true",
        CAMPAIGN_FAIL_AFTER_TOKENS: "4",
        CAMPAIGN_FAIL_CODE: "400",
        CAMPAIGN_SIM_API_KEY: "secret"
      }
      assert.deepInclude(yield* settings(["--time-to-first-token=2m"], environment), {
        interTokenMillis: 1500,
        timeToFirstTokenMillis: 120_000,
        answers: { _tag: "FixedText", text: "Yes." },
        oldMetricNames: true,
        midStreamError: { afterTokens: 4, code: 400, message: undefined },
        apiKey: "secret"
      })
    }))

  const wrong: ReadonlyArray<readonly [flags: string, message: string]> = [
    ["--prefill-overhead=30ms", "--prefill-overhead needs --latency-calculator per-token; now it is constant"],
    ["--prefill-time-std-dev=0", "--prefill-time-std-dev needs --latency-calculator per-token; now it is constant"],
    [
      "--latency-calculator=per-token --time-to-first-token=1s",
      "--time-to-first-token needs --latency-calculator constant; now it is per-token"
    ],
    [
      "--latency-calculator=per-token --kv-cache-transfer-latency=1s",
      "--kv-cache-transfer-latency needs --latency-calculator constant; now it is per-token"
    ],
    [
      "--latency-distribution=constant --inter-token-latency-std-dev=2ms",
      "--inter-token-latency-std-dev does not go with --latency-distribution constant; leave one out"
    ],
    [
      "--latency-trace=x --latency-distribution=normal",
      "--latency-distribution does not go with --latency-trace, which replaces it; leave one out"
    ],
    [
      "--answer=a --answer-tokens=0",
      "--answer, --answer-script, --random-words and --answer-tokens exclude each other; give one of them"
    ],
    ["--fail-message=x", "--fail-message needs --fail-after-tokens, which says when to fail"]
  ]
  for (const [flags, message] of wrong) {
    it.effect(`refuse ${flags}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(settings(flags.split(" ")))
        assert.deepInclude(error, { message, exitCode: 2 })
      }))
  }
})
