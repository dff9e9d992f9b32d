// Laws of campaign files, over one in which every key stands.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { CampaignSettings } from "../../../src/campaign/config/CampaignSettings.ts"
import * as tables from "../../../src/campaign/config/campaignTables.ts"
import { changesBetween } from "../../../src/campaign/config/changesBetween.ts"
import { keyOf, nameOf, settingKeys } from "../../../src/liveness/LivenessLimits.ts"
import { nearestName } from "../../../src/text/nearestName.ts"
import { runs } from "../../support/propertyRuns.ts"
import { read, refusals } from "./memoryFiles.ts"
import { printToml } from "./printToml.ts"
import { others, wholeFile } from "./wholeFile.ts"

type Path = ReadonlyArray<string | number>

/** Where each key stands that somebody could misspell: not those that are the user's own. */
const keysIn = (value: unknown, path: Path = []): ReadonlyArray<Path> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, member]) => {
      const at = [...path, Array.isArray(value) ? Number(key) : key]
      const isOwn = ["environment", "schema", "arguments", "expected"].includes(key)
      return [...(Array.isArray(value) ? [] : [at]), ...(isOwn ? [] : keysIn(member, at))]
    })

const written = keysIn(wholeFile)

const renamed = (value: unknown, [first, ...rest]: Path, name: string): unknown =>
  Array.isArray(value)
    ? value.map((element, index) => index === first ? renamed(element, rest, name) : element)
    : Object.fromEntries(
      Object.entries(value as object).map(([key, member]) =>
        key !== first ? [key, member] : rest.length === 0 ? [name, member] : [key, renamed(member, rest, name)]
      )
    )

const slips = Schema.Struct({
  key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: written.length - 1 })),
  kind: Schema.Literals(["lose", "add", "change"]),
  place: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
  letter: Schema.Literals([..."abcdefghijklmnopqrstuvwxyz-_"])
})

const slipped = (word: string, { kind, letter, place }: typeof slips.Type): string => {
  const at = place % word.length
  const rest = word.slice(kind === "add" ? at : at + 1)
  return `${word.slice(0, at)}${kind === "lose" ? "" : letter}${rest}`
}

const anyValue = Schema.Union([
  Schema.Literals(["", "x", "${X}", "90s", "http://a", "all", "text", "regex", "(", "simulated", "gpu"]),
  Schema.Int,
  Schema.Finite,
  Schema.Boolean,
  Schema.Array(Schema.Union([Schema.String, Schema.Int])),
  Schema.Record(Schema.Literals(["first", "most", "kind", "name", "tests"]), Schema.Union([Schema.String, Schema.Int])),
  Schema.Array(Schema.Struct({ name: Schema.Literals(["gpu", "x"]) }))
])

/** A value like this one, with another at a path, or none. */
const replaced = (value: unknown, [first, ...rest]: Path, other: unknown): unknown =>
  Array.isArray(value)
    ? value.map((element, index) => index === first ? replaced(element, rest, other) : element)
    : Object.fromEntries(
      Object.entries(value as object).flatMap(([key, member]) =>
        key !== first
          ? [[key, member]]
          : rest.length > 0
          ? [[key, replaced(member, rest, other)]]
          : other === undefined
          ? []
          : [[key, other]]
      )
    )

const allKeys = new Set(written.map((path) => String(path.at(-1))))

describe("a file with every key", () => {
  it.effect("has every key there is", () =>
    Effect.sync(() => {
      const { graderTables, taskFileTable: _, textTables, ...others } = tables
      const known = [...Object.values(others), ...Object.values(graderTables), ...Object.values(textTables)]
        .flatMap(({ fields }) => Object.keys(fields))
      for (const key of [...known, ...settingKeys.map(nameOf)]) assert.isTrue(allKeys.has(key), key)
    }))

  it.effect.prop("is refused for any key with one wrong letter, and told the right one", [slips], ([slip]) => {
    const path = written[slip.key]!
    const right = String(path.at(-1))
    const wrong = slipped(right, slip)
    // Some other key, or the same one; a limit of another name is one.
    if (wrong === "" || allKeys.has(wrong) || keyOf(wrong) !== undefined) return Effect.void
    return Effect.gen(function*() {
      const lines = yield* refusals(printToml(renamed(wholeFile, path, wrong) as Record<string, unknown>), { others })
      const told = `there is no key "${wrong}" here; did you mean `
      const meant = lines.flatMap((line) => line.includes(told) ? [line.split(told)[1]!.replace(/\?.*$/s, "")] : [])
      // One slip may be as near to another key: mode and model.
      assert.isTrue(
        meant.some((name) => nearestName(wrong, [name, right]) === name),
        `${told}${right}\n${lines.join("\n")}`
      )
    })
  }, runs)

  it.effect.prop(
    "is a campaign that can be stored, or is refused, whatever stands at any key",
    [slips.fields.key, Schema.UndefinedOr(anyValue)],
    ([key, value]) =>
      Effect.gen(function*() {
        const file = replaced(wholeFile, written[key]!, value)
        const result = yield* Effect.result(read(JSON.stringify(file), { others, file: "campaign.json" }))
        if (Result.isSuccess(result)) {
          const { settings } = result.success
          assert.deepStrictEqual(
            yield* Schema.decodeUnknownEffect(CampaignSettings)(JSON.parse(JSON.stringify(settings))),
            settings
          )
        } else {
          const { message } = result.failure
          for (const line of message.split("\n")) {
            // A folder of tasks may be any folder, also the one in which all files are.
            assert.match(line, /^[\w./-]+\.(json|toml):\d+:\d+: \S/, message)
          }
        }
      }),
    runs
  )

  it.effect("is the same campaign however its tables are written", () =>
    Effect.gen(function*() {
      const one = yield* read(printToml(wholeFile), { others })
      const two = yield* read(printToml(wholeFile, true), { others })
      const three = yield* read(JSON.stringify(wholeFile), { others, file: "campaign.json" })
      assert.deepStrictEqual(two.settings, one.settings)
      assert.deepStrictEqual(three.settings, one.settings)
      assert.deepStrictEqual(changesBetween(one.settings, two.settings), [])
    }))

  it.effect.prop(
    "is read as the numbers that were drawn, and read again as the same",
    [Schema.Int, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1e6 })), Schema.Array(Schema.String)],
    ([drawn, repeat, prompts]) =>
      Effect.gen(function*() {
        const seed = drawn === 0 ? 0 : drawn
        const task = prompts.map((prompt, index) => ({
          id: `t${index}`,
          prompt: `x${prompt.toWellFormed().replaceAll("${", "$${")}`,
          grader: { kind: "text", match: "exact", expected: "" }
        }))
        const file = { ...wholeFile, seed, repeat, task, "task-folders": [] }
        const { settings } = yield* read(printToml(file))
        assert.deepStrictEqual([settings.seed, settings.repetitions], [seed, repeat])
        assert.deepStrictEqual(
          settings.tasks.slice(0, -1).map(({ prompt }) => prompt),
          prompts.map((prompt) => `x${prompt.toWellFormed()}`.replaceAll("$${", "${"))
        )
        assert.deepStrictEqual((yield* read(printToml(file, true))).settings, settings)
      }),
    runs
  )
})
