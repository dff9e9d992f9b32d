/**
 * The report of a probe of an engine, as a person reads it.
 *
 * Laws: no line is wider than the terminal, unless a single word is; nothing is told by colour alone; it ends with what a
 * campaign can rest on, so that the answer stands where the cursor is.
 */
import { printable } from "../probe/EngineAnswer.ts"
import { featureNames, type FeatureState } from "../probe/EngineFeatures.ts"
import { serverNames } from "../probe/EngineIdentity.ts"
import { type EngineReport, type Finding, proofNames, type Series } from "../probe/EngineReport.ts"
import { type HelpOptions, indented, styles } from "./renderHelp.ts"

const states: Readonly<Record<FeatureState, string>> = {
  "works": "works",
  "always": "always there",
  "ignored": "no",
  "refused": "refused",
  "not-seen": "not seen",
  "not-tried": "not tried"
}

const features: Readonly<Record<typeof featureNames[number], string>> = {
  include_usage: "usage at the end",
  continuous_usage_stats: "usage with each event",
  return_token_ids: "token ids",
  reasoning: "reasoning",
  max_tokens: "max_tokens",
  finish_reason: "finish_reason",
  done: "[DONE]",
  usage_agrees: "counts agree"
}

const proofs: Readonly<Record<typeof proofNames[number], string>> = {
  hung: "the engine hangs",
  decodeHung: "only decoding hangs",
  lost: "it lost the request",
  restarted: "it was restarted",
  dead: "the server is gone",
  cancelled: "a cancel arrived"
}

const columnsShown = ["idle", "start", "prefill", "first", "decode", "end"] as const
const headings = ["idle", "start", "prefill", "first", "decode", "end"]

/** Rows of the table: those that evidence and limits rest on come first. */
const MOST_ROWS = 14

/** A time as short as it can be said. */
const shortTime = (millis: number): string =>
  millis < 10
    ? `${millis.toFixed(1)} ms`
    : millis < 1000
    ? `${millis.toFixed(0)} ms`
    : `${(millis / 1000).toFixed(1)} s`

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

/** What a series did in a phase: by how much it rose, `±` if it fell too, `-` if it stood still, nothing if not known. */
const cell = ({ fell, intervals, moved, rose }: Series["phases"]["idle"]): string => {
  if (intervals === 0) return ""
  if (moved === 0) return "-"
  if (fell > 0) return rose > 0 ? "±" : "down"
  return Number.isInteger(rose) && rose < 100_000 ? `+${rose}` : "up"
}

const important = [
  /^vllm:(?:num_requests_running|num_requests_waiting|kv_cache_usage_perc|gpu_cache_usage_perc)$/,
  /^vllm:(?:generation_tokens|prompt_tokens)(?:_total)?$/,
  /^vllm:(?:inter_token_latency|time_per_output_token|time_to_first_token)_seconds_count$/,
  /^vllm:(?:iteration_tokens_total_count|prefix_cache_queries_total|request_success_total)$/,
  /^(?:sglang|llamacpp):/
]

const rank = ({ name }: Series): number => {
  const found = important.findIndex((pattern) => pattern.test(name))
  return found === -1 ? important.length : found
}

const isTold = ({ name }: Series): boolean => rank({ name } as Series) < important.length && !name.endsWith("_sum")

const tableOf = (report: EngineReport, columns: number): ReadonlyArray<string> => {
  const told = report.metrics.series.filter(isTold)
  const rows = told.toSorted((one, other) => rank(one) - rank(other)).slice(0, MOST_ROWS)
  if (rows.length === 0) return []
  const cells = rows.map(({ phases }) => columnsShown.map((phase) => cell(phases[phase])))
  const widths = headings.map((heading, index) =>
    Math.max(heading.length, ...cells.map((row) => row[index]!.length)) + 2
  )
  // Nearly always the same for all.
  const prefix = /^[a-z]+:/.exec(rows[0]!.name)?.[0] ?? ""
  const nameWidth = Math.min(
    Math.max(...rows.map(({ name }) => name.startsWith(prefix) ? name.length - prefix.length : name.length)),
    columns - 2 - widths.reduce((sum, width) => sum + width, 0)
  )
  const fit = (full: string) => {
    const name = full.startsWith(prefix) ? full.slice(prefix.length) : full
    return (name.length > nameWidth ? `${name.slice(0, nameWidth - 1)}…` : name).padEnd(nameWidth)
  }
  const line = (name: string, values: ReadonlyArray<string>) =>
    `  ${fit(name)}${values.map((value, index) => value.padStart(widths[index]!)).join("")}`.trimEnd()
  return [
    `  ${prefix.padEnd(nameWidth)}${headings.map((heading, index) => heading.padStart(widths[index]!)).join("")}`,
    ...rows.map(({ name }, index) => line(name, cells[index]!)),
    ...(report.metrics.series.length > rows.length
      ? [`  and ${report.metrics.series.length - rows.length} more that moved; --json has them`]
      : [])
  ]
}

const tokensText = ({ tokens }: EngineReport): string => {
  if (tokens === null || tokens.counted === 0) return "None came."
  const { gaps } = tokens
  return [
    `${plural(tokens.counted, "token")} in ${plural(tokens.events, "event")}, ${plural(tokens.reads, "arrival")}` +
    ` (at most ${plural(tokens.mostTokensPerEvent, "token")} per event, ${
      plural(tokens.mostEventsPerRead, "event")
    } at once).`,
    `First token after ${shortTime(tokens.firstTokenMillis ?? 0)}` +
    `${tokens.headersMillis === null ? "" : `, headers after ${shortTime(tokens.headersMillis)}`}.`,
    gaps === null ?
      "" :
      `Gaps: median ${shortTime(gaps.medianMillis)}, 95 % under ${shortTime(gaps.p95Millis)}, 99 % ` +
      `under ${shortTime(gaps.p99Millis)}, largest ${shortTime(gaps.largestMillis)}` +
      `${tokens.tokensPerSecond === null ? "" : `; ${tokens.tokensPerSecond.toFixed(1)} tokens/s`}.`
  ].filter((text) => text !== "").join(" ")
}

const metricsText = ({ metrics }: EngineReport): string => {
  if (metrics.readable === 0) return "None could be read."
  const bound = {
    proven: "proved to be those of the engine that answers",
    inherited: "believed",
    unproven: "not proved to be those of the engine that answers",
    refuted: "not those of the engine that answers"
  }[metrics.binding]
  const prefill = metrics.prefillMillis === null
    ? ""
    : ` The long prompt took ${shortTime(metrics.prefillMillis)}; cells of phases too short to be seen are empty.`
  const settled = metrics.settleMillis === null
    ? ""
    : ` Our last token was counted within ${shortTime(metrics.settleMillis)}.`
  return `${plural(metrics.readable, "look")}; ${bound}.${settled}${prefill}`
}

const abortText = ({ abort }: EngineReport): string => {
  const tokens = abort.tokensAfter === null ? "" : `, after ${plural(abort.tokensAfter, "more token")}`
  switch (abort.outcome) {
    case "honoured":
      return `The engine stopped within ${shortTime(abort.afterMillis ?? 0)} of the close${tokens}.`
    case "ignored":
      return `The engine went on: ${abort.why}${tokens}.`
    case "not-known":
      return `Not known: ${abort.why}.`
  }
}

/** All of it, without a line break at the end. */
export const renderEngineProbe = (report: EngineReport, { color, columns }: HelpOptions): string => {
  const { bold, cyan, dim, green } = styles(color)
  const { asked, findings, metrics, model, models, server, signs, step, version } = report
  const text = (paragraph: string) => indented(paragraph, columns, 2)

  /** A name and what is to be said of it, beside each other. */
  const pairs = (entries: ReadonlyArray<readonly [name: string, state: string, meaning: string]>) => {
    const widest = Math.max(...entries.map(([name]) => name.length))
    const statesWide = Math.max(...entries.map(([, state]) => state.length))
    return entries.flatMap(([name, state, meaning]) => {
      const head = `  ${name.padEnd(widest)}  ${state.padEnd(statesWide)}`
      if (meaning === "") return [head.trimEnd()]
      const lines = indented(meaning, columns, head.length + 2)
      return [`${head}  ${lines[0]!.trimStart()}`, ...lines.slice(1)]
    })
  }
  const finding = ({ remedy, severity, text }: Finding): ReadonlyArray<string> => {
    const lines = indented(text, columns, 11)
    return [
      `  ${bold(severity.padEnd(9))}${lines[0]!.trimStart()}`,
      ...lines.slice(1),
      ...indented(remedy, columns, 13).map((line, index) =>
        dim(index === 0 ? `           > ${line.trimStart()}` : line)
      )
    ]
  }

  const others = models.length > 1 ? `, of ${models.length} that it serves` : ""
  const context = report.contextTokens === null ? "" : `, context ${report.contextTokens} tokens`
  const longest = asked.promptTokens === 0 ? "" : `; the longest prompt had about ${asked.promptTokens}`
  const blocks: ReadonlyArray<readonly [title: string, lines: ReadonlyArray<string>]> = [
    ["ENGINE", [
      ...text(report.url).map(cyan),
      // Of one that did not answer there is nothing to say but the findings.
      ...(asked.requests === 0 && signs.length === 0 ? [] : [
        ...text(
          `${serverNames[server]}${version === null ? "" : ` ${version}`}${
            signs.length === 0 ? "" : `; told by ${signs.join(", ")}`
          }`
        ),
        ...text(model === null ? "no model" : `model ${printable(model)}${others}${context}`),
        ...text(`asked ${plural(asked.requests, "request")}, for at most ${plural(asked.maxTokens, "token")}${longest}`)
      ])
    ]],
    ...(asked.requests === 0 ? [] : [
      [
        "STREAM FEATURES",
        pairs(featureNames.map((name) => {
          const { detail, state } = report.features[name]
          return [features[name], states[state], detail]
        }))
      ] as const,
      ["TOKENS", text(tokensText(report))] as const,
      ["METRICS", [...text(metricsText(report)), ...tableOf(report, columns)]] as const,
      ["A CLIENT THAT LEAVES", text(abortText(report))] as const,
      [
        "LONGEST HEALTHY STEP",
        text(
          step.longestMillis === null
            ? "Nothing was seen of it."
            : `${shortTime(step.longestMillis)}: ${step.from}.` +
              (metrics.binding === "proven"
                ? ` A standstill of ${shortTime(step.frozenMillis)} would be called a hang.`
                : "")
        )
      ] as const,
      [
        "WHAT CAN BE PROVED OF A SILENT RUN",
        pairs(proofNames.map((name) => {
          const { can, why } = report.proofs[name]
          return [proofs[name], can ? "yes" : "no", why]
        }))
      ] as const
    ]),
    ["FINDINGS", findings.length === 0 ? text("None.") : findings.flatMap(finding)],
    ["VERDICT", [
      ...text(report.fit ? "Fit for watching." : "Not fit for watching.").map((line) =>
        report.fit ? green(line) : bold(line)
      ),
      ...text(report.restsOn)
    ]]
  ]
  return blocks.map(([title, lines]) => [bold(title), ...lines].join("\n")).join("\n\n")
}
