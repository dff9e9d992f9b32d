// From flags to the texts of faults: the simulator's own words, a script, llm-d's words.
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { faultFlags, faultsOf } from "../../src/cli/faultFlags.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const faults = (flags: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  Effect.gen(function*() {
    let found: ReadonlyArray<string> | undefined
    const command = Command.make("sim", faultFlags, (values) =>
      Effect.map(faultsOf(values), (texts) => {
        found = texts
      }))
    yield* Command.runWith(command, { version: "0" })(flags)
    return found!
  }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
    Effect.provide(NodeServices.layer)
  )

const refusal = (flags: ReadonlyArray<string>) =>
  Effect.map(Effect.flip(faults(flags)), (error) => ({
    message: (error as Error).message,
    code: (error as { readonly exitCode?: number }).exitCode
  }))

describe("the flags of faults", () => {
  it.effect("are none without a flag", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* faults([]), [])
    }))

  it.effect("come from flags in their order, or from a variable", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* faults(["--fault", "crlf:request=2", "--fault=comments; bursts"]), [
        "crlf:request=2",
        "comments; bursts"
      ])
      assert.deepStrictEqual(yield* faults([], { CAMPAIGN_FAULT: "crlf; bursts" }), ["crlf; bursts"])
    }))

  it.effect("come from a script", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryDirectory, "faults.txt")
      writeFileSync(file, "# a bad night\n\nengine-hang:from=60,for=30\nmetrics-down:from=60 # meanwhile\r\n")
      assert.deepStrictEqual(yield* faults(["--fault-script", file]), [
        "engine-hang:from=60,for=30",
        "metrics-down:from=60"
      ])
      writeFileSync(file, "crlf\n\nengin-hang\n")
      const wrong = yield* refusal(["--fault-script", file])
      assert.strictEqual(wrong.code, 1)
      assert.include(wrong.message, `${file}: line 3: there is no fault "engin-hang"; did you mean engine-hang?`)
      assert.include((yield* refusal(["--fault-script", "nowhere"])).message, "there is no file nowhere")
    }))

  it.effect("come from llm-d's rate and types", () =>
    Effect.gen(function*() {
      const half = ["--failure-injection-rate=50", "--failure-types=rate_limit, server_error"]
      assert.deepStrictEqual(yield* faults(half), [
        "rate-limited:probability=0.250000000",
        "server-error:status=503,probability=0.333333333"
      ])
      assert.lengthOf(yield* faults(["--failure-injection-rate=1"]), 6)
      assert.deepStrictEqual(yield* faults(["--startup-duration=1m30s"]), ["connection-refused:from=0,for=90"])
    }))

  it.effect("say what is wrong", () =>
    Effect.gen(function*() {
      for (
        const [flags, expected] of [
          [["--fault=crlf:x=1"], "--fault: crlf has no \"x\""],
          [["--failure-types=rate_limit"], "--failure-types needs --failure-injection-rate"],
          [["--failure-injection-rate=5", "--failure-types=oom"], "there is no \"oom\"; the types are rate_limit,"]
        ] as const
      ) {
        const { code, message } = yield* refusal(flags)
        assert.strictEqual(code, 2)
        assert.include(message, expected)
      }
    }))
})
