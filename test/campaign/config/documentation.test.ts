// The examples of docs/campaign-file.md are read without a complaint, and its tables name every key.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as tables from "../../../src/campaign/config/campaignTables.ts"
import { read, refusals } from "./memoryFiles.ts"

const text = readFileSync(join(import.meta.dirname, "../../../docs/campaign-file.md"), "utf8")

const examples = [...text.matchAll(/^```toml\n(?:# (\S+)\n)?(.*?)^```/gms)].map(([, file, body]) => ({
  file,
  body: body!
}))

const others = Object.fromEntries(
  examples.flatMap(({ body, file }) => file?.startsWith("tasks/") === true ? [[file, body]] : [])
)

describe("docs/campaign-file.md", () => {
  it.effect("has examples that are right", () =>
    Effect.gen(function*() {
      assert.lengthOf(examples, 7)
      assert.deepStrictEqual(Object.keys(others), ["tasks/leap-years.toml"])
      for (const { body, file } of examples) {
        if (file?.startsWith("tasks/") === true) continue
        const isWhole = file !== undefined || body.includes("[[task]]")
        const { kind, notes } = yield* read(isWhole ? body : `built-in-tasks = "all"\n${body}`, { others })
        assert.deepStrictEqual([kind, notes], [file === "scenario.toml" ? "scenario" : "campaign", []])
      }
    }))

  it.effect("shows what is wrong as it is told", () =>
    Effect.gen(function*() {
      const whole = examples.find(({ file }) => file === "campaign.toml")!
      const wrong = `# campaign.toml\n${whole.body}`
        .replace("name = \"one-night\"\nrepeat = 10", "repeet = 10\nname = \"one-night\"")
        .replace("${VLLM_URL:-http://127.0.0.1:8000/v1}", "http://me:key@127.0.0.1:8000/v1")
        .replace("engine = \"vllm\"", "engine = \"vlm\"")
      const [, shown] = /^```\n(campaign\.toml:.*?)\n```/ms.exec(text)!
      assert.deepStrictEqual(yield* refusals(wrong, { others }), shown!.split("\n"))
    }))

  it("names every key", () => {
    const { graderTables, textTables, ...others } = tables
    const all = [...Object.values(others), ...Object.values(graderTables), ...Object.values(textTables)]
    for (const key of all.flatMap(({ fields }) => Object.keys(fields))) {
      assert.match(text, new RegExp(`(^|[^\\w-])${key}($|[^\\w-])`, "m"), key)
    }
  })
})
