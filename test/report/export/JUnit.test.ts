/** JUnit that any reader takes: well-formed whatever agents say, with counts that are those of its cases. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Xml from "effect/encoding/Xml"
import * as Stream from "effect/Stream"
import type { BattleFacts, CampaignFacts } from "../../../src/campaign/CampaignFacts.ts"
import * as JUnit from "../../../src/report/export/JUnit.ts"
import { attemptOf, failedOf, grade } from "../../support/attempts.ts"
import { battleOf, drawnBattles, factsOf } from "../../support/drawnCampaigns.ts"

/** The elements of the schema of Jenkins' xUnit plugin that we use: what may stand in them, and which attributes. */
const schema: Readonly<Record<string, readonly [children: ReadonlyArray<string>, attributes: ReadonlyArray<string>]>> =
  {
    testsuites: [["testsuite"], ["name", "time", "tests", "failures", "errors"]],
    testsuite: [["properties", "testcase"], ["name", "tests", "failures", "errors", "skipped", "time", "timestamp"]],
    properties: [["property"], []],
    property: [[], ["name", "value"]],
    testcase: [["skipped", "error", "failure", "system-out"], ["name", "classname", "time"]],
    skipped: [["#text"], ["message"]],
    error: [["#text"], ["type", "message"]],
    failure: [["#text"], ["type", "message"]],
    "system-out": [["#text"], []]
  }

const check = ({ attributes, children, name }: Xml.Element): void => {
  const [mayHave, mayBe] = schema[name]!
  assert.deepStrictEqual(Object.keys(attributes).filter((key) => !mayBe.includes(key)), [])
  for (const child of children) {
    if (typeof child === "string") {
      if (!mayHave.includes("#text")) assert.match(child, /^\s*$/)
    } else {
      assert.include(mayHave, child.name)
      check(child)
    }
  }
}

const elementsOf = (element: Xml.Element, name: string): ReadonlyArray<Xml.Element> =>
  element.children.flatMap((child) => typeof child === "object" && child.name === name ? [child] : [])

const parsed = Effect.fnUntraced(function*(facts: CampaignFacts) {
  const text = yield* Stream.mkString(JUnit.document(facts))
  const [root] = yield* Stream.make(text).pipe(
    Stream.pipeThroughChannel(Xml.decodeString()),
    Stream.pipeThroughChannel(Xml.elements(["testsuites"])),
    Stream.runCollect
  )
  return root!
})

describe("JUnit", () => {
  it.effect.prop(
    "is well-formed, follows the schema and counts its cases",
    [drawnBattles],
    ([drawn]) =>
      Effect.gen(function*() {
        const battles = drawn.map(battleOf)
        const root = yield* parsed(factsOf(battles))
        check(root)
        const suites = elementsOf(root, "testsuite")
        assert.strictEqual(suites.length, new Set(["agent-1", ...battles.map(({ battle }) => battle.agent)]).size)
        const total = { tests: 0, failures: 0, errors: 0, skipped: 0 }
        for (const suite of suites) {
          const cases = elementsOf(suite, "testcase")
          const counts = {
            tests: cases.length,
            failures: cases.filter((one) => elementsOf(one, "failure").length === 1).length,
            errors: cases.filter((one) => elementsOf(one, "error").length === 1).length,
            skipped: cases.filter((one) => elementsOf(one, "skipped").length === 1).length
          }
          for (const [name, count] of Object.entries(counts)) assert.strictEqual(suite.attributes[name], String(count))
          for (const key of ["tests", "failures", "errors", "skipped"] as const) total[key] += counts[key]
          for (const { attributes } of [suite, ...cases]) assert.match(attributes["time"]!, /^\d+\.\d{3}$/)
        }
        const outcomes = battles.map(({ outcome }) => outcome)
        assert.deepStrictEqual(total, {
          tests: battles.length,
          failures: outcomes.filter((outcome) => outcome._tag === "Scored" && !outcome.grade.passed).length,
          errors: outcomes.filter(({ _tag }) => _tag === "Unscored").length,
          skipped: outcomes.filter(({ _tag }) => _tag === "Pending").length
        })
        assert.deepInclude(root.attributes, { tests: String(total.tests), failures: String(total.failures) })
      }),
    { arbitrary: { runs: 20 } }
  )

  const hostile = "\u001b[31m]]><script x=\"1\">&amp;\r\n\u0000\ud800 '"

  const drawn = { task: hostile, agent: "gpt-4.1", attempts: [], gaps: [], inFlight: false }
  const battle = { task: hostile, agent: "gpt-4.1", repetition: 1 }
  const withAttempts = (outcome: BattleFacts["outcome"], ...records: Array<ReturnType<typeof attemptOf>>) => ({
    ...battleOf({ ...drawn, attempts: records }, 0),
    outcome
  })

  it.effect("says what of each battle CI is to show, in words that cannot break out", () =>
    Effect.gen(function*() {
      const given = { _tag: "Unscored", reason: `given up: ${hostile}`, attempt: 0 } as const
      const root = yield* parsed(factsOf([
        withAttempts({ _tag: "Scored", grade: { ...grade, explanation: hostile }, attempt: 1 }, attemptOf(battle, 1)),
        withAttempts({ _tag: "Unscored", reason: hostile, attempt: 2 }, failedOf(battle, 1), {
          ...failedOf(battle, 2),
          outcome: { _tag: "Unscored", reason: hostile, attempt: 2 }
        }),
        withAttempts(given, failedOf(battle, 1)),
        withAttempts({ _tag: "Pending" })
      ]))
      const suite = elementsOf(root, "testsuite").find(({ attributes }) => attributes["name"] === "gpt-4.1")!
      assert.deepInclude(suite.attributes, { tests: "4", failures: "1", errors: "2", skipped: "1", time: "4.938" })
      const cases = elementsOf(suite, "testcase")
      const told = "\ufffd[31m]]><script x=\"1\">&amp;\r\n\ufffd\ufffd '"
      for (const { attributes } of cases) {
        assert.deepInclude(attributes, { name: `${told} #1`, classname: "gpt-4_1" })
      }
      const messages = cases.map((one) =>
        ["failure", "error", "skipped"].flatMap((name) => elementsOf(one, name)).map(({ attributes, name }) =>
          `${name} ${attributes["type"] ?? "-"} ${attributes["message"]}`
        )
      )
      assert.deepStrictEqual(messages, [
        [`failure grade score 0.5: ${told}`],
        [`error failed ${told}`],
        [`error given-up given up: ${told}`],
        ["skipped - pending: it is yet to be played"]
      ])
      const [error] = elementsOf(cases[1]!, "error")
      assert.deepStrictEqual(error!.children, ["engine: the stream ended without a finish reason (after 2 tokens)"])
      const [output] = elementsOf(cases[1]!, "system-out")
      assert.match(
        String(output!.children[0]),
        /^attempt 1: failed, 1\.23. s, 17 tokens, stream: engine.*\nattempt 2: .*counts/
      )
    }))
})
