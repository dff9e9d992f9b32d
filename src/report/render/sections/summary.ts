/**
 * What a judge reads in a minute: what was evaluated, the scores and what they rest on, what hung and what proved it, and
 * what nobody can know from what is stored.
 */
import type { Report } from "../../Report.ts"
import {
  beware,
  type Block,
  code,
  type Inline,
  items,
  link,
  paragraph,
  type Section,
  strong,
  type Text
} from "../Document.ts"
import {
  basisOf,
  counted,
  estimate,
  estimateCell,
  hours,
  integer,
  listed,
  millis,
  moment,
  rate,
  score,
  share
} from "../words.ts"

/** Statements of what is not known that stand at the top; all of them have a section. */
const MOST_UNKNOWN = 3
/** Agents at the top; all of them are with the scores. */
const MOST_AGENTS = 10
/** Names told in a sentence. */
const MOST_NAMES = 4

export const summarySection = (report: Report): Section => ({
  id: "summary",
  title: "In a minute",
  blocks: [
    ...standOf(report),
    paragraph(...whatWasEvaluated(report)),
    { _tag: "Facts", facts: factsOf(report) },
    ...agentTable(report),
    items(
      [whatHung(report), whatFailed(report), howFast(report), whatATimeoutWouldDo(report)].filter((text) =>
        text.length > 0
      )
    ),
    ...unknownOf(report)
  ]
})

/** Whether all of this may still change. */
const standOf = ({ glance: { pending }, header }: Report): ReadonlyArray<Block> => {
  if (header.isRunning) {
    return [beware(
      "The campaign runs while this is written. Everything here is as of ",
      moment(header.asOf),
      `, with ${counted(pending, "battle")} pending; run the command again for what came after.`
    )]
  }
  if (pending === 0) return []
  const why = {
    running: "the campaign's process is gone without a word",
    paused: "the campaign was paused",
    cancelled: "the campaign was cancelled",
    ended: "they were not played"
  }[header.state]
  return [beware(
    `${counted(pending, "battle")} ${pending === 1 ? "is" : "are"} pending, because ${why}; ${
      pending === 1 ? "it is" : "they are"
    } in none of the scores.`,
    ...header.state === "cancelled" ? [] : [" Go on with ", code("campaign resume"), "."]
  )]
}

const named = (names: ReadonlyArray<string>, one: string): ReadonlyArray<Inline> =>
  names.length > MOST_NAMES
    ? [counted(names.length, one)]
    : [
      `${counted(names.length, one)} (`,
      ...names.flatMap((name, index) => [index === 0 ? "" : ", ", strong(name)]),
      ")"
    ]

const someOf = (count: number): string => count === 0 ? "none" : integer(count)

const whatWasEvaluated = ({ glance, header }: Report): ReadonlyArray<Inline> => [
  "The campaign ",
  strong(header.campaign),
  " plays ",
  ...named(header.agents.map(({ name }) => name), "agent"),
  ` on ${counted(header.tasks.length, "task")}, ${
    header.repetitions === 1 ? "once" : `${header.repetitions} times`
  } each: ${counted(glance.planned, "battle")}. ${someOf(glance.scored)} ${
    glance.scored > 1 ? "have" : "has"
  } a score, ${someOf(glance.unscored)} ended without one, ${someOf(glance.pending)} ${
    glance.pending > 1 ? "are" : "is"
  } pending. `,
  ...header.firstAttemptAt === null
    ? ["No attempt has begun."]
    : [
      `It began ${moment(header.firstAttemptAt)} and was at work for ${millis(header.activeMillis)}.`
    ]
]

const factsOf = ({ glance, scores }: Report) => {
  const { scoredOnly } = glance.score
  const several = glance.agents.length > 1
  const best = glance.agents.find(({ score: { scoredOnly: of } }) => of.value !== null)
  const alike =
    glance.agents.filter(({ score: { scoredOnly: of } }) => of.value === best?.score.scoredOnly.value).length
  return [
    several && best !== undefined
      ? {
        label: "Highest mean score",
        value: estimate(best.score.scoredOnly),
        detail: [
          strong(best.agent),
          alike > 1 ? ` and ${counted(alike - 1, "other")} alike; its ` : ", ",
          basisOf(best.score.scoredOnly, "battle")
        ]
      }
      : { label: "Mean score", value: estimate(scoredOnly), detail: basisOf(scoredOnly, "battle") },
    {
      label: "Battles with a score",
      value: `${integer(glance.scored)} of ${integer(glance.planned)}`,
      detail: glance.unscored === 0
        ? "none ended without a score"
        : `if those without one count: ${score(scores.overall.score.infrastructureAsFailure.value)} at worst, ${
          score(scores.overall.score.bestCase.value)
        } at best`
    },
    {
      label: "Found hung",
      value: glance.stalled === 0 ? "none" : counted(glance.stalled, "attempt"),
      detail: glance.stalled === 0
        ? `of ${counted(glance.attempts, "attempt")}`
        : `${integer(glance.stalledProved)} proved by the engine's counters, ${
          integer(glance.stalled - glance.stalledProved)
        } inferred from silence; the battles of ${integer(glance.stalledButScored)} were scored in a later attempt`
    },
    {
      label: "Longest good silence",
      value: millis(glance.longestGoodSilenceMillis),
      detail: glance.longestGoodSilenceMillis === null
        ? glance.scored === 0 ? "no battle has a score" : "no scored attempt tells when two of its tokens came"
        : "between two tokens of an attempt that was then scored"
    }
  ]
}

const agentTable = ({ glance: { agents } }: Report): ReadonlyArray<Block> =>
  agents.length < 2 ? [] : [{
    _tag: "Table",
    caption: `Mean score by agent, 0 to 1, with its 95 % interval where the samples carry one${
      agents.length > MOST_AGENTS ? `; the first ${MOST_AGENTS} of ${agents.length}` : ""
    }`,
    columns: [
      { title: "agent" },
      { title: "scored", numeric: true },
      { title: "score", numeric: true },
      { title: "unscored as 0", numeric: true },
      { title: "unscored as 1", numeric: true },
      { title: "passed", numeric: true }
    ],
    rows: agents.slice(0, MOST_AGENTS).map((
      { agent, passRate, planned, score: { bestCase, infrastructureAsFailure, scoredOnly }, scored }
    ) => [
      agent,
      `${integer(scored)}/${integer(planned)}`,
      estimateCell(scoredOnly),
      score(infrastructureAsFailure.value),
      score(bestCase.value),
      share(passRate.value)
    ])
  }]

const whatHung = ({ glance, stalls }: Report): Text => {
  if (glance.stalled === 0) return `Nothing was found hung in ${counted(glance.attempts, "attempt")}.`
  const kinds = stalls.byKind.map(({ confidence, kind, stalls: count }) => `${integer(count)} ${kind} (${confidence})`)
  return [
    strong("Hung: "),
    `${counted(glance.stalled, "attempt")} of ${integer(glance.attempts)}: ${listed(kinds)}. They took ${
      hours(stalls.hours)
    } and ${counted(stalls.tokensLost, "token")} with them. `,
    link("Every one with its evidence", "stalls"),
    "."
  ]
}

const whatFailed = ({ failures, glance }: Report): Text => {
  if (glance.failed + glance.slow === 0) return []
  const classes = failures.classes.slice(0, MOST_NAMES).map(({ failures: count, kind }) => `${integer(count)} ${kind}`)
  return [
    strong("Failed: "),
    `${counted(glance.failed, "attempt")}${
      glance.slow === 0 ? "" : `, and ${integer(glance.slow)} over the hard cap of the campaign`
    } (${listed(classes)}${failures.classes.length > classes.length ? " and others" : ""}). `,
    `${counted(glance.rescuedByRetry, "battle")} ${
      glance.rescuedByRetry === 1 ? "has its" : "have their"
    } score from a later attempt. `,
    link("What retries changed", "retries"),
    "."
  ]
}

const howFast = ({ glance, latencies: { overall } }: Report): Text => {
  const { percentiles, n } = overall.ttft
  if (n === 0) {
    return `Speed: not measured; ${
      overall.attempts === 0 ? "no attempt has completed" : "no completed attempt tells when its first token came"
    }.`
  }
  const needed = percentiles.find((some) => some.share === 0.5)?.needed ?? 0
  return [
    strong("Speed: "),
    ...glance.ttftP50Millis === null
      ? [`too few attempts for a median of the time to the first token: ${integer(n)} of ${integer(needed)}. `]
      : [
        `first token after ${millis(glance.ttftP50Millis)} in the median, ${
          glance.ttftP95Millis === null ? "with too few samples for a p95" : `${millis(glance.ttftP95Millis)} at p95`
        }${
          glance.tokensPerSecondP50 === null ? "" : `; then ${rate(glance.tokensPerSecondP50)} tokens/s in the median`
        }, over ${counted(n, "attempt")}. `
      ],
    link("All latencies", "latencies"),
    "."
  ]
}

const whatATimeoutWouldDo = ({ glance }: Report): Text =>
  glance.longestGoodAttemptMillis === null ? [] : [
    strong("A fixed timeout "),
    `shorter than ${millis(glance.longestGoodAttemptMillis)} for an attempt${
      glance.longestGoodSilenceMillis === null
        ? ""
        : `, or than ${millis(glance.longestGoodSilenceMillis)} between tokens,`
    } would have killed at least one good attempt. `,
    link("What each would have done", "counterfactual"),
    "."
  ]

const unknownOf = ({ unknown: all }: Report): ReadonlyArray<Block> =>
  all.length === 0 ? [] : [{
    _tag: "Note",
    kind: "unknown",
    text: [
      all.slice(0, MOST_UNKNOWN).join(" "),
      ...all.length > MOST_UNKNOWN ? [" ", link(`${all.length - MOST_UNKNOWN} more`, "unknown"), "."] : []
    ]
  }]
