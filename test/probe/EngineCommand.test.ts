/** What `campaign probe --engine` prints: the report for people or for programs, and nothing else, on stdout. */
import { assert, describe, it } from "@effect/vitest"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { probeEngine } from "../../src/cli/probeEngine.ts"
import { EngineReport } from "../../src/probe/EngineReport.ts"
import { ollama } from "../support/engineDialects.ts"

const run = (url: string, json: boolean, variables: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function*() {
    const printed: Array<string> = []
    const steps: Array<string> = []
    const console = {
      ...globalThis.console,
      log: (text: string) => printed.push(text),
      error: (text: string) => steps.push(text)
    }
    const fit = yield* probeEngine({ url, json }).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provideService(TerminalCapabilities, { canColor: false, canAnimate: false, canPrompt: false }),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(variables))
    )
    return { fit, out: printed.join("\n"), steps }
  })

describe("campaign probe --engine", () => {
  it.live(
    "prints a report that ends with what a campaign can rest on, and tells its steps elsewhere",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { made, url } = yield* ollama()
        const { fit, out, steps } = yield* run(url.replace("/v1", ""), false)
        assert.isTrue(fit)
        assert.match(out, /^ENGINE\n {2}http:\/\/127\.0\.0\.1:\d+\/v1\n {2}Ollama 0\.33\.0/)
        assert.match(out, /VERDICT\n {2}Fit for watching\.\n[^]*taught what is usual\.$/)
        assert.isTrue(out.split("\n").every((line) => line.length <= 100))
        assert.isAbove(steps.length, 3)
        assert.isAtMost(made(), 600)
      })),
    20_000
  )

  it.live("prints one object for programs, also of an engine that is not there", () =>
    Effect.gen(function*() {
      const { fit, out } = yield* run("http://127.0.0.1:1", true)
      assert.isFalse(fit)
      const report = Schema.decodeUnknownSync(EngineReport)(JSON.parse(out))
      assert.deepStrictEqual(report.findings.map(({ id }) => id), ["unreachable"])
    }))

  it.live("refuses what is no address, and a key that is not there", () =>
    Effect.gen(function*() {
      const fault = yield* Effect.flip(run("nonsense", false))
      assert.match(String(fault), /--engine nonsense is not a URL/)
      const keyless = yield* Effect.flip(
        probeEngine({ url: "http://127.0.0.1:1", json: true, keyVariable: "NOT_THERE" }).pipe(
          Effect.provideService(TerminalCapabilities, { canColor: false, canAnimate: false, canPrompt: false })
        )
      )
      assert.match(String(keyless), /NOT_THERE, which is not set/)
    }))
})
