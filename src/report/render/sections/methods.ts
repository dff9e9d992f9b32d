/** Every definition and formula that a number of the report rests on, and what identifies the campaign. */
import type { Header, Report } from "../../Report.ts"
import type { Section } from "../Document.ts"
import { listed, millis, moment, none } from "../words.ts"

/** What nobody can know from what is stored. */
export const unknownSection = ({ unknown }: Report): Section => ({
  id: "unknown",
  title: "What is not known",
  blocks: unknown.length === 0
    ? [{ _tag: "Paragraph", text: "Nothing beyond what each section says of itself." }]
    : [{ _tag: "Items", items: unknown }]
})

/** How the numbers were made. */
export const methodsSection = (report: Report): Section => ({
  id: "methods",
  title: "Methods and definitions",
  blocks: [{ _tag: "Terms", terms }, identity(report.header, report.schema)]
})

const terms: ReadonlyArray<{ readonly term: string; readonly text: string }> = [
  {
    term: "Battle, attempt",
    text:
      "A battle is one task against one agent, once. It ends scored, unscored with a reason, or stays pending. It has " +
      "one or more attempts, of which at most one counts; one that came too late is kept as superseded and counts nowhere."
  },
  {
    term: "Score",
    text:
      "From 0 to 1, as the grader of the task gives it. A mean over tasks and repetitions weighs every battle alike. " +
      "Trouble with an engine or an agent is never a score of 0: it is in the second column only, and named as what it is."
  },
  {
    term: "Intervals of mean scores",
    text:
      "Repetitions of a task are not independent, so they are counted by their effective number, from how much battles of " +
      "one task are alike (Cochran, 1977; Korn and Graubard, 1998). They say how far the mean over tasks like these may be off, and nothing " +
      "of tasks of another kind."
  },
  {
    term: "Intervals of rates",
    text:
      "Wilson's score interval (1927) for independent trials. Differences and ratios have theirs from the intervals of both " +
      "sides (Newcombe, 1998; Zou and Donner, 2008), with the correlation of pairs where the same tasks are on both."
  },
  {
    term: "pass@k",
    text:
      "1 − C(n − c, k) / C(n, k) for a task with c of n scored repetitions passed (Chen et al., 2021), then the mean over " +
      "tasks. All of k pass: C(c, k) / C(n, k). Passing is what the task asks for: all hidden tests, or its passing score."
  },
  {
    term: "TTFT, ITL, TPOT, E2E",
    text: "As vLLM's benchmark defines them: time to the first token; gaps between arrivals, pooled over requests; " +
      "(E2E − TTFT) / (n − 1) of a request with n tokens; time to the last token. Measured where the campaign runs, behind " +
      "all hops. Stored to a tenth of a millisecond."
  },
  {
    term: "Tokens per second",
    text: "Tokens after the first, by the time after the first, of each completed attempt that tells its tokens."
  },
  {
    term: "Percentiles and their bounds",
    text:
      "Nearest rank: the smallest sample that at least that share of the samples does not exceed. The bounds are two " +
      "samples between which the true percentile lies with at least 95 %, by the binomial distribution of how many samples " +
      "lie below it, whatever the distribution (David and Nagaraja, 2003). It takes 6 " +
      "samples for a median, 36 for p90, 72 for p95 and 368 for p99; with fewer nothing is shown. Gaps of one request are not " +
      "independent, so for them attempts are counted, and their bounds are wider."
  },
  {
    term: "Kaplan–Meier",
    text:
      "S(t) = ∏ (1 − d/n) over the times up to t at which attempts ended (d of the n still at work); attempts that were " +
      "given up leave n without an end. Variance by Greenwood, intervals on the log(−log) scale, median by Brookmeyer and " +
      "Crowley (1982). It assumes that what is given up would have gone on like the rest, which hung attempts would not: " +
      "for them it is the time that a healthy attempt would have taken."
  },
  {
    term: "Stalled, failed, slow",
    text:
      "Stalled: given up as hung, proved by the counters of the engine that served that very stream, or inferred from " +
      "a silence beyond a long limit. Failed: somebody said so, or the answer ended without a finish reason. Slow: over the " +
      "user's own hard cap. docs/liveness.md defines each kind and limit."
  },
  {
    term: "Retries",
    text:
      "First try: no earlier attempt of the battle had stalled, been slow or failed. Attempts that are interrupted or " +
      "caught in trouble of the whole engine use up none of their battle's tries."
  },
  {
    term: "Counterfactual",
    text:
      "A replay over stored times, of the attempts that happened. It is no experiment: what a retry after a kill would " +
      "have done is unknown, and so is what a hung attempt would have done later."
  }
]

const identity = (header: Header, schema: string): Section["blocks"][number] => ({
  _tag: "Table",
  caption: "What this report is of",
  columns: [{ title: "" }, { title: "value" }],
  rows: [
    ["campaign", header.campaign],
    ["file", header.file],
    ["state", header.isRunning ? "running" : header.state],
    ["as of", moment(header.asOf)],
    ["created", moment(header.createdAt)],
    ["first attempt", header.firstAttemptAt === null ? none : moment(header.firstAttemptAt)],
    ["last attempt ended", header.lastAttemptEndedAt === null ? none : moment(header.lastAttemptEndedAt)],
    ["time at work", millis(header.activeMillis)],
    [
      "agents",
      listed(
        header.agents.map(({ engine, model, name }) =>
          `${name}${model === null ? "" : `, asks for ${model}`}${engine === null ? "" : ` at engine ${engine}`}`
        )
      )
    ],
    ["repetitions", String(header.repetitions)],
    ["seed", String(header.seed)],
    ["stall policy", header.stallPolicy],
    ["hard cap", header.hardCapMillis === null ? "none" : millis(header.hardCapMillis)],
    ["configuration", header.configHash ?? "not known, an earlier release wrote it"],
    ["made by", `a2a-campaign ${header.release}, ${schema}`]
  ]
})
