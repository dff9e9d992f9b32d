/**
 * What a campaign would play, as a person reads it before a night: battles by task and agent, where they run, how many at
 * once, what grades them, and what failures may cost, each number with where it comes from.
 *
 * Law: no line is wider than the terminal, unless a single word is.
 */
import { type Concurrency, mostOf } from "../campaign/Concurrency.ts"
import type { CampaignSettings } from "../campaign/config/CampaignSettings.ts"
import { lanesOf } from "../campaign/Definition.ts"
import { describeAgent } from "../campaign/describeAgent.ts"
import type { Task } from "../grading/Task.ts"
import { singleLine } from "../terminal/TextWidth.ts"
import { textOf } from "../text/DurationText.ts"
import type { Requested } from "./campaignFlags.ts"
import { type HelpOptions, indented, styles } from "./renderHelp.ts"

export interface ShownPlan extends Pick<Requested, "settings" | "origins" | "name"> {
  /** Behind what answers are run; `null` where none is. */
  readonly sandbox: string | null
}

const concurrencyText = (concurrency: Concurrency): string =>
  concurrency._tag === "Fixed"
    ? String(concurrency.battles)
    : `${concurrency.first} to ${concurrency.most}, as it can take`

const graders: Record<Task["grader"]["_tag"], string> = {
  JavaScriptTests: "hidden tests in JavaScript",
  PythonTests: "hidden tests in Python",
  TextMatch: "text match",
  JsonSchema: "JSON schema",
  ModelGraded: "a judge model",
  Command: "your own command",
  Own: "a grader of your program",
  Evaluator: "the scenario's green agent"
}

/** Tasks named one by one, before the rest is counted. */
const MOST_NAMED = 12

const countText = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

/** Blocks with a title each. */
export const planBlocks = (
  { name, origins, sandbox, settings }: ShownPlan,
  { color, columns }: HelpOptions
): ReadonlyArray<readonly [title: string, lines: ReadonlyArray<string>]> => {
  const { dim } = styles(color)
  const { agents, engines, policy, repetitions, tasks } = settings
  const lanes = lanesOf({ ...settings, id: "plan" })
  const battles = tasks.length * agents.length * repetitions
  const origin = (key: string): string => {
    const text = origins.get(key)
    return text === undefined || text === "default" ? " (default)" : ` (${text})`
  }
  const text = (...paragraphs: ReadonlyArray<string>) =>
    paragraphs.flatMap((each) => indented(singleLine(each), columns, 2))
  const kinds = Map.groupBy(tasks, ({ grader }) => graders[grader._tag])
  const named = tasks.slice(0, MOST_NAMED).map(({ id }) => id).join(", ")
  const atOnce = lanes.reduce((sum, { concurrency }) => sum + mostOf(concurrency), 0)
  const row = (label: string, value: string, key: string) => `${label}: ${value}${origin(key)}`
  return [
    [
      "PLAN",
      [
        ...text(
          `${name === null ? "" : `${name}: `}${countText(battles, "battle")} = ${countText(tasks.length, "task")} × ${
            countText(agents.length, "agent")
          } × ${countText(repetitions, "repetition")}${origin("repetitions")}`,
          `tasks: ${named}${tasks.length > MOST_NAMED ? ` and ${tasks.length - MOST_NAMED} more` : ""}`,
          `graded by: ${[...kinds].map(([kind, of]) => `${kind} (${of.length})`).join(", ")}`,
          ...(sandbox === null ? [] : [`answers are run behind: ${sandbox}`]),
          row("seed", String(settings.seed), "seed")
        )
      ]
    ],
    ["UNDER TEST", agents.flatMap((agent) => text(`${agent.name}: ${describeAgent(agent, engines)}`))],
    [
      "AT ONCE",
      [
        ...lanes.flatMap((lane) =>
          text(
            `${lane.name}: ${concurrencyText(lane.concurrency)}${
              lane.engine?.concurrency != null
                ? origin(`engines.${lane.engine.name}.concurrency`)
                : lane.engine === null && lane.agents[0]!.concurrency !== null
                ? origin(`agents.${lane.agents[0]!.name}.concurrency`)
                : origin("concurrency")
            }${
              lane.engine === null || lane.engine.url === null
                ? ""
                : `; another model there: ${lane.engine.onModelChange}`
            }`
          )
        ),
        ...text(`all lanes together: at most ${atOnce}`)
      ]
    ],
    [
      "COST",
      text(
        `at least ${countText(battles, "battle")}, at most ${
          policy.campaignRetries === null
            ? `${battles * policy.attempts} attempts that count (${policy.attempts} for each battle`
            : `${
              Math.min(battles * policy.attempts, battles + policy.campaignRetries)
            } attempts that count (${policy.campaignRetries} retries for all`
        }${origin(policy.campaignRetries === null ? "policy.attempts" : "policy.campaignRetries")})`,
        row("a battle waits for whoever is busy or away for at most", textOf(policy.waitMillis), "policy.waitMillis"),
        row(
          "a battle may be caught in trouble of its engine",
          `${policy.engineFaults} times, uncharged`,
          "policy.engineFaults"
        ),
        row("an agent is left alone after", `${policy.breakerFailures} failures in a row`, "policy.breakerFailures"),
        row(
          "time",
          policy.campaignMillis === null
            ? "as long as it takes"
            : `nothing is begun after ${textOf(policy.campaignMillis)}`,
          "policy.campaignMillis"
        ),
        row(
          "tokens",
          policy.campaignTokens === null
            ? `as many as it takes${boundOf(settings)}`
            : `nothing is begun after ${policy.campaignTokens}`,
          "policy.campaignTokens"
        )
      ).map((line) => line.replace(/\((default)\)$/, (whole) => dim(whole)))
    ]
  ]
}

/** What the answers may come to, where agents are models of ours. */
const boundOf = ({ agents, repetitions, tasks }: CampaignSettings): string => {
  let most = 0
  for (const { kind } of agents) {
    if (kind._tag !== "Model") return ""
    most += kind.maxTokens * repetitions * tasks.length
  }
  return `, at most ${most} in answers that count`
}

/** The same for programs. */
export const planJson = ({ name, origins, sandbox, settings }: ShownPlan) => {
  const { agents, concurrency, engines, policy, repetitions, seed, tasks } = settings
  return {
    name,
    battles: tasks.length * agents.length * repetitions,
    repetitions,
    seed,
    tasks: tasks.map(({ grader, id }) => ({ id, grader: grader._tag })),
    sandbox,
    concurrency,
    lanes: lanesOf({ ...settings, id: "plan" }).map((lane) => ({
      name: lane.name,
      concurrency: lane.concurrency,
      agents: lane.agents.map((agent) => agent.name)
    })),
    agents,
    engines,
    policy,
    origins: Object.fromEntries(origins)
  }
}
