// The file that `campaign init` writes.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as tables from "../../../src/campaign/config/campaignTables.ts"
import { initialFile } from "../../../src/campaign/config/initialFile.ts"
import { demonstrationTasks } from "../../../src/grading/DemonstrationTasks.ts"
import { read } from "./memoryFiles.ts"

const withExamples = initialFile.replaceAll(/^#(?=[^ \n])/gm, "")

describe("the file of campaign init", () => {
  it.effect("is the demonstration as it stands", () =>
    Effect.gen(function*() {
      const { name, settings } = yield* read(initialFile)
      const { settings: demonstration } = yield* read("built-in-tasks = \"all\"\n")
      assert.strictEqual(name, "first-campaign")
      assert.deepStrictEqual(settings, demonstration)
      assert.deepStrictEqual(settings.tasks, demonstrationTasks)
    }))

  it.effect("is right with every example made real", () =>
    Effect.gen(function*() {
      const { settings } = yield* read(withExamples)
      assert.deepStrictEqual(settings.engines.map(({ name }) => name), ["simulated", "vllm"])
      assert.deepStrictEqual(settings.agents.map(({ name }) => name), ["simulated-model", "my-model", "my-agent"])
      assert.deepStrictEqual(
        [...new Set(settings.tasks.map(({ grader }) => grader._tag))].toSorted(),
        ["Command", "JavaScriptTests", "JsonSchema", "ModelGraded", "TextMatch"]
      )
      const { policy } = settings
      assert.deepStrictEqual([policy.campaignRetries, policy.campaignTokens], [100, 20_000_000])
    }))

  it("mentions every key", () => {
    const { graderTables, textTables, ...others } = tables
    const all = [...Object.values(others), ...Object.values(graderTables), ...Object.values(textTables)]
    for (const key of all.flatMap(({ fields }) => Object.keys(fields))) {
      assert.match(initialFile, new RegExp(`(^|[^\\w-])${key}($|[^\\w-])`, "m"), key)
    }
  })

  it("has lines that fit", () => {
    for (const line of initialFile.split("\n")) assert.isAtMost(line.length, 120, line)
  })
})
