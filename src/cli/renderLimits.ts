/**
 * What a campaign waits for, as a person reads it: the stall policy, the hard cap, every limit with its meaning, and what
 * finished runs have taught.
 *
 * Laws: no line is wider than the terminal, unless a single word is; every limit stands here exactly once, under the name
 * of `--liveness`; what differs from its default is marked without colour, too; the values are what the flags take.
 */
import type { Definition } from "../campaign/Definition.ts"
import { describeAgent } from "../campaign/describeAgent.ts"
import { runsNeeded } from "../liveness/ConformalBound.ts"
import { describeLimit } from "../liveness/describeLimit.ts"
import { hardCapMeaning } from "../liveness/describePolicy.ts"
import { type LearnedLimits, silent } from "../liveness/LimitInForce.ts"
import type { LearnedKey } from "../liveness/LimitLearner.ts"
import { writeValue } from "../liveness/limitText.ts"
import { explain, type ExplainedLimit, type LivenessLimits } from "../liveness/LivenessLimits.ts"
import type { RunKey } from "../liveness/RunKey.ts"
import { type StallPolicy, stallPolicyMeanings } from "../liveness/StallPolicy.ts"
import { textOf } from "../text/DurationText.ts"
import { type HelpOptions, indented, styles } from "./renderHelp.ts"
import { planBlocks, planJson, type ShownPlan } from "./renderPlan.ts"

export interface ShownLimits extends Pick<Definition, "agents" | "engines"> {
  /** Whether they have just answered. */
  readonly contacted: boolean
  readonly stallPolicy: StallPolicy
  readonly hardCapMillis: number | null
  readonly limits: LivenessLimits
  /** Where there is a campaign already: its name, its file, and what its runs have taught. */
  readonly stored: StoredLimits | undefined
  /** Of one that is not begun. */
  readonly plan?: ShownPlan
}

export interface StoredLimits {
  readonly campaign: string
  readonly file: string
  readonly learned: ReadonlyArray<LearnedKey>
}

const reached = ({ agents, contacted, engines }: ShownLimits): string =>
  agents.every(({ kind }) => kind._tag === "Model") && engines.every(({ url }) => url === null)
    ? ""
    : contacted
    ? "; it answers"
    : "; not contacted (--contact asks it)"

const unitOf = ({ kind }: ExplainedLimit): string => kind === "rate" ? " tokens/s" : ""

const describeKey = ({ endpoint, load, model, shape }: RunKey): string => {
  const shaped = [
    shape.promptCharacters === null ? "prompts of any length" : `prompts up to ${shape.promptCharacters} characters`,
    shape.maxTokens === null ? "answers of any length" : `answers up to ${shape.maxTokens} tokens`
  ]
  const loads = { unknown: "any load", more: "more than 16 requests at once" }
  const loaded = load === "unknown" || load === "more" ? loads[load] : `${load} requests at once`
  return [`${model} at ${endpoint}`, ...shaped, loaded].join(", ")
}

const noGaps = { count: 0, quantile: 0, largest: 0 }

/** The limit that a new run of the key would have, and what was learned where that is not the limit itself. */
const inForce = (limits: LivenessLimits, learned: LearnedLimits, begun: boolean) => {
  const limit = silent(limits, noGaps, learned, begun, 0)
  const millis = begun ? learned.gapMillis : learned.firstTokenMillis
  return { limit, learnedMillis: millis, cut: millis !== null && millis !== limit.millis }
}

const describeInForce = (limits: LivenessLimits, learned: LearnedLimits, begun: boolean): string => {
  const { cut, learnedMillis, limit } = inForce(limits, learned, begun)
  if (!cut) return describeLimit(limit)
  const bound = describeLimit({ ...limit, millis: learnedMillis ?? 0, origin: "learned" })
  return `${describeLimit(limit)} (${bound})`
}

/** All of it, without a line break at the end. */
export const renderLimits = (shown: ShownLimits, { color, columns }: HelpOptions): string => {
  const { bold, cyan, dim, green } = styles(color)
  const { hardCapMillis, limits, stallPolicy, stored } = shown
  const explained = explain(limits)
  const changed = explained.filter(({ isDefault }) => !isDefault).length
  const widest = Math.max(...explained.map(({ name }) => name.length))

  const valueOf = (one: ExplainedLimit) => writeValue(one.key, one.value) + unitOf(one)
  const originOf = (key: string): string => {
    const origin = shown.plan?.origins.get(key)
    return origin === undefined || origin === "default" ? "" : `, ${origin}`
  }
  const defaultOf = (one: ExplainedLimit) =>
    one.isDefault && originOf(`limits.${one.key}`) === ""
      ? ""
      : ` (default ${writeValue(one.key, one.default)}${unitOf(one)}${originOf(`limits.${one.key}`)})`
  const behind = widest + 6 + Math.max(...explained.map((one) => (valueOf(one) + defaultOf(one)).length))
  // Meanings stand beside the values where that leaves them most of the width.
  const isWide = columns >= 110 && 2 * behind <= columns

  const limit = (one: ExplainedLimit): ReadonlyArray<string> => {
    const [value, fallback] = [valueOf(one), defaultOf(one)]
    const mark = one.isDefault ? " " : bold("*")
    const head = `${mark} ${green(one.name.padEnd(widest))}  ${one.isDefault ? value : bold(value)}${fallback}`
    const meaning = indented(one.meaning, columns, isWide ? behind : 6)
    if (!isWide) return [head, ...meaning.map(dim)]
    const padding = " ".repeat(behind - widest - 4 - value.length - fallback.length)
    return [head + padding + dim(meaning[0]!.trimStart()), ...meaning.slice(1).map(dim)]
  }
  const choice = (key: string, value: string, isDefault: boolean, meaning: string): ReadonlyArray<string> => [
    isDefault ? `  ${value} (default)` : `${bold("*")} ${bold(value)}${originOf(key).replace(/^, (.*)$/, " ($1)")}`,
    ...indented(meaning, columns, 6).map(dim)
  ]
  const text = (...paragraphs: ReadonlyArray<string>) => paragraphs.flatMap((each) => indented(each, columns, 2))

  const needed = runsNeeded(limits.learnedFalseAlarms)
  const rule = Number.isFinite(needed)
    ? `Where nobody sees the engine, the limits of silence are learned from finished runs of the same endpoint, model, ` +
      `shape and load. ${needed} are needed; until then the ceilings hold.`
    : "Nothing is learned from finished runs: the ceilings hold."
  const learned = stored === undefined
    ? text(rule, "`campaign validate --db FILE` shows what a campaign has learned.")
    : stored.learned.length === 0
    ? text(rule, "No run of this campaign has taught anything yet.")
    : [
      ...text(rule),
      ...stored.learned.flatMap(({ key, learned }) => [
        ...indented(describeKey(key), columns, 2).map(cyan),
        ...indented(`silence: ${describeInForce(limits, learned, true)}`, columns, 6),
        ...indented(`first token: ${describeInForce(limits, learned, false)}`, columns, 6)
      ])
    ]

  const groups = Map.groupBy(explained, ({ group }) => group)
  const blocks: ReadonlyArray<readonly [title: string, lines: ReadonlyArray<string>]> = [
    ...(stored === undefined ? [] : [["CAMPAIGN", text(`${stored.campaign}, kept in ${stored.file}`)] as const]),
    ...(shown.plan === undefined
      ? [
        [
          "UNDER TEST",
          shown.agents.flatMap((agent) =>
            text(`${agent.name}: ${describeAgent(agent, shown.engines)}${reached(shown)}`)
          )
        ] as const
      ]
      : planBlocks(shown.plan, { color, columns })),
    ...(shown.plan !== undefined && reached(shown) !== ""
      ? [
        [
          "CONTACT",
          text(shown.contacted ? "All of them answer." : "Nobody was contacted; --contact asks them.")
        ] as const
      ]
      : []),
    ["STALL POLICY", choice("stallPolicy", stallPolicy, stallPolicy === "enforce", stallPolicyMeanings[stallPolicy])],
    [
      "HARD CAP",
      hardCapMillis === null
        ? choice("hardCapMillis", "none", true, hardCapMeaning(null))
        : choice("hardCapMillis", textOf(hardCapMillis), false, hardCapMeaning(hardCapMillis))
    ],
    [
      "LIMITS",
      text(
        changed === 0
          ? `All ${explained.length} are at their defaults. --liveness NAME=VALUE sets one.`
          : `${changed} of ${explained.length} differ from their defaults and are marked with *.`
      )
    ],
    ...Array.from(groups, ([group, members]) => [group.toUpperCase(), members.flatMap(limit)] as const),
    ["LEARNED LIMITS", learned]
  ]
  return blocks.map(([title, lines]) => [bold(title), ...lines].join("\n")).join("\n\n")
}

/** The same for programs; times in milliseconds. */
export const limitsJson = (
  { agents, contacted, engines, hardCapMillis, limits, plan, stallPolicy, stored }: ShownLimits
) => {
  const needed = runsNeeded(limits.learnedFalseAlarms)
  return {
    ...(stored === undefined ? {} : { campaign: stored.campaign, db: stored.file }),
    agents,
    engines,
    ...(plan === undefined ? {} : { plan: planJson(plan) }),
    contacted,
    stallPolicy,
    hardCapMillis,
    limits: explain(limits).map(({ key, ...limit }) => ({ ...limit, key, text: writeValue(key, limit.value) })),
    learning: {
      runsNeeded: Number.isFinite(needed) ? needed : null,
      keys: (stored?.learned ?? []).map(({ key, learned }) => ({
        key,
        silence: inForce(limits, learned, true),
        firstToken: inForce(limits, learned, false)
      }))
    }
  }
}
