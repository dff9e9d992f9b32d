/**
 * A campaign as JUnit XML, for CI: a test suite for each agent, a test case for each battle, by the schema of Jenkins'
 * xUnit plugin (junit-10), which GitLab, GitHub's actions and Ant's readers understand.
 *
 * A battle that was scored and passed is a passed test; scored and not passed a `failure`; without a score an `error`,
 * because nothing was tested, also where its user or the loss of its agent gave it up; pending, `skipped`. Its time is
 * that of all its attempts, and each of them has a line in `system-out`.
 *
 * The counts of a suite stand before its cases, so the text of all cases is kept until the end: half a kilobyte each.
 *
 * Gotchas: characters that XML 1.0 does not know become U+FFFD. Readers take what stands before the last dot of a
 * `classname` for a package, so dots in an agent's name are told as underscores there; the suite has the name itself.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { BattleFacts, CampaignFacts } from "../../campaign/CampaignFacts.ts"
import type { StoreError } from "../../campaign/StoreError.ts"
import { campaignRow } from "./exportedRows.ts"

interface Suite {
  readonly agent: string
  readonly cases: Array<string>
  failures: number
  errors: number
  skipped: number
  millis: number
}

/** The document, in pieces. */
export const document = ({ battles, campaign }: CampaignFacts): Stream.Stream<string, StoreError> => {
  const { definition } = campaign
  const suites = new Map(definition.agents.map(({ name }) => [name, emptySuite(name)]))
  return Stream.unwrap(Effect.map(
    Stream.runForEachArray(battles, (some) =>
      Effect.sync(() => {
        for (const facts of some) {
          const { agent } = facts.battle
          const suite = suites.get(agent) ?? emptySuite(agent)
          suites.set(agent, suite)
          add(suite, facts)
        }
      })),
    () => {
      const row = campaignRow(campaign)
      const all = [...suites.values()]
      const head = {
        name: definition.id,
        tests: sum(all, ({ cases }) => cases.length),
        failures: sum(all, ({ failures }) => failures),
        errors: sum(all, ({ errors }) => errors),
        time: seconds(sum(all, ({ millis }) => millis))
      }
      return Stream.fromIterable([
        `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes(head)}>\n`,
        ...all.flatMap((suite) => {
          const agent = row.agents.find(({ agent }) => agent === suite.agent)
          return [
            `  <testsuite${
              attributes({
                name: suite.agent,
                tests: suite.cases.length,
                failures: suite.failures,
                errors: suite.errors,
                skipped: suite.skipped,
                time: seconds(suite.millis),
                timestamp: row.created_at.replace(/\.\d+Z$/, "")
              })
            }>\n    <properties>\n`,
            ...Object.entries({
              "a2a-campaign": row.release,
              campaign: row.campaign,
              "campaign.state": row.state,
              "campaign.running": String(row.running),
              "exported.at": row.exported_at,
              "config.hash": row.config_hash,
              "agent.kind": agent?.kind ?? null,
              engine: agent?.engine ?? null,
              model: agent?.model ?? null
            }).flatMap(([name, value]) => value === null ? [] : [`      <property${attributes({ name, value })}/>\n`]),
            "    </properties>\n",
            ...suite.cases,
            "  </testsuite>\n"
          ]
        }),
        "</testsuites>\n"
      ])
    }
  ))
}

const emptySuite = (agent: string): Suite => ({ agent, cases: [], failures: 0, errors: 0, skipped: 0, millis: 0 })

const sum = (suites: ReadonlyArray<Suite>, of: (suite: Suite) => number): number =>
  suites.reduce((total, suite) => total + of(suite), 0)

const add = (suite: Suite, { attempts, battle, inFlight, outcome }: BattleFacts): void => {
  const millis = attempts.reduce((total, { durationMillis }) => total + durationMillis, 0)
  suite.millis += millis
  let result = ""
  if (outcome._tag === "Pending") {
    suite.skipped++
    result = element("skipped", { message: inFlight.length > 0 ? "in flight" : "pending: it is yet to be played" })
  } else if (outcome._tag === "Unscored") {
    const counted = attempts.find((attempt) => attempt.counted)
    suite.errors++
    const type = counted?.verdict ?? "given-up"
    result = element("error", { type, message: outcome.reason }, counted?.error?.message)
  } else if (!outcome.grade.passed) {
    const { explanation, score } = outcome.grade
    suite.failures++
    result = element("failure", { type: "grade", message: `score ${score}: ${explanation}` })
  }
  const lines = [
    ...outcome._tag === "Scored" ? [`score: ${outcome.grade.score} (${outcome.grade.explanation})`] : [],
    ...attempts.map(({ counted, durationMillis, error, mode, number, superseded, tokens, verdict }) =>
      `attempt ${number}: ${verdict}${counted ? ", counts" : ""}${superseded ? ", superseded" : ""}, ${
        seconds(durationMillis)
      } s, ${tokens} tokens, ${mode}${error === null ? "" : `: ${error.message}`}`
    )
  ]
  suite.cases.push(
    `    <testcase${
      attributes({
        name: `${battle.task} #${battle.repetition}`,
        classname: battle.agent.replaceAll(".", "_"),
        time: seconds(millis)
      })
    }>\n${result}${lines.length === 0 ? "" : element("system-out", {}, lines.join("\n"))}    </testcase>\n`
  )
}

/** "12.345"; readers know no exponents. */
const seconds = (millis: number): string => (millis / 1000).toFixed(3)

const element = (name: string, named: Readonly<Record<string, string>>, text?: string): string =>
  `      <${name}${attributes(named)}${text === undefined || text === "" ? "/>" : `>${escape(text)}</${name}>`}\n`

const attributes = (named: Readonly<Record<string, string | number>>): string =>
  Object.entries(named).map(([name, value]) => ` ${name}="${escapeAttribute(String(value))}"`).join("")

const unknownToXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

const escape = (text: string): string =>
  text.replaceAll(unknownToXml, "\ufffd").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll("\r", "&#13;")

/** A reader makes blanks of the white space in an attribute unless it is written by number. */
const escapeAttribute = (text: string): string =>
  escape(text).replaceAll("\"", "&quot;").replaceAll("\t", "&#9;").replaceAll("\n", "&#10;")
