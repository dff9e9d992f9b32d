/**
 * The metrics of watched runs, for all of a process: one group of series for each hop, endpoint and model.
 *
 * For an arrival there is one call that adds to a histogram. What changes all the time (phases, silences, tokens of runs in
 * flight, limits, evidence) is not counted as it changes: it is read from the runs in flight when somebody looks.
 *
 * Laws: tokens never fall, because those of a run that has ended are added in the moment in which it is not read any more;
 * a run is in exactly one phase; each run has one final verdict. There are at most `MOST_GROUPS` groups: endpoints and
 * models beyond that are `other`, because whoever asks a tap names the model himself.
 *
 * Gotcha: a run is seen by every hop that watches it. In the process of a campaign its tokens are counted by the hop of the
 * engine, by that of the purple agent and by that of the green one.
 */
import { BindingStatus } from "../liveness/Binding.ts"
import type { Hop } from "../liveness/Hop.ts"
import { limitsOf } from "../liveness/Judgement.ts"
import { Phase } from "../liveness/Phase.ts"
import type { ObservedRun, ObserveRun } from "../liveness/RunObserver.ts"
import * as RunState from "../liveness/RunState.ts"
import { SlowReason } from "../liveness/SlowReason.ts"
import type { RunName, Verdict } from "../liveness/Verdict.ts"
import type { Labels, MetricBook } from "./MetricBook.ts"
import { catalogue } from "./MetricCatalogue.ts"

const MOST_GROUPS = 100

type View = () => RunState.RunState

/** What is known of a run when nobody can be asked any more. */
interface Group {
  /** Of our own metrics, and of those of the conventions. */
  readonly labels: Labels
  readonly operation: Labels
  readonly live: Set<View>
  /** Of runs that have ended. */
  tokens: number
  /** The last one opened or ended. */
  last: RunState.RunState | undefined
}

/** Observes runs, in the series of this book. */
export const make = (book: MetricBook): ObserveRun => {
  const groups = new Map<string, Group>()

  const groupOf = ({ endpoint, hop, model }: RunName): Group => {
    const key = [hop, endpoint, model].join("\n")
    const known = groups.get(key)
    if (known !== undefined) return known
    const isOther = groups.size >= MOST_GROUPS
    if (isOther && endpoint !== OTHER) return groupOf({ hop, attempt: 1, endpoint: OTHER, model: OTHER })
    const labels = labelsOf(hop, endpoint, model)
    const operation = { ...operations[hop === "engine" ? "engine" : "agent"], ...labels }
    const group: Group = { labels, operation, live: new Set(), tokens: 0, last: undefined }
    groups.set(key, group)
    openSeries(book, group)
    return group
  }

  return (run, view): ObservedRun => {
    const group = groupOf(run)
    const { labels, live, operation } = group
    const first = book.histogram(catalogue.firstChunk, operation)
    const chunks = book.histogram(catalogue.outputChunk, operation)
    live.add(view)
    let isOpened = false
    return {
      came: (gapMillis, isFirst) => (isFirst ? first : chunks).record(gapMillis / 1000),
      verdict: (verdict) => {
        if (!isOpened) {
          isOpened = true
          tellLearned(book, group, view())
        }
        tellVerdict(book, labels, verdict)
      },
      ended: (state, durationMillis) => {
        live.delete(view)
        group.tokens += RunState.tokens(state)
        group.last = state
        const duration = run.hop === "engine" ? catalogue.operationDuration : catalogue.agentDuration
        book.histogram(duration, { ...operation, "error.type": errorOf(state) }).record(durationMillis / 1000)
      }
    }
  }
}

const OTHER = "other"

/** An A2A agent is not a provider of models that the conventions name. */
const operations = {
  engine: { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" },
  agent: { "gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "a2a" }
} as const

/** Whose runs they are. What is no address is a name. */
const labelsOf = (hop: Hop, endpoint: string, model: string): Labels => {
  const url = URL.parse(endpoint)
  const port = url === null ? "" : url.port || (url.protocol === "https:" ? "443" : "80")
  return {
    "campaign.hop": hop,
    "gen_ai.request.model": model === "" ? undefined : model,
    "server.address": url?.hostname || endpoint,
    "server.port": port === "" ? undefined : port
  }
}

/** What is read from the runs in flight. */
const openSeries = (book: MetricBook, group: Group): void => {
  const { labels, live, operation } = group
  const states = () => Array.from(live, (view) => view())
  const countIf = (isCounted: (state: RunState.RunState) => boolean) => () => {
    let count = 0
    for (const view of live) if (isCounted(view())) count++
    return count
  }
  for (const phase of Phase.literals) {
    book.gaugedBy(
      catalogue.runsActive,
      { ...labels, "campaign.phase": phase },
      countIf((state) => state.phase === phase)
    )
  }
  for (const reason of SlowReason.literals) {
    book.gaugedBy(
      catalogue.runsSlow,
      { ...labels, "campaign.reason": reason },
      countIf(({ slow }) => slow?.reason === reason)
    )
  }
  book.gaugedBy(
    catalogue.longestSilence,
    labels,
    () => states().reduce((longest, state) => Math.max(longest, RunState.silence(state)), 0) / 1000
  )
  book.countedBy(
    catalogue.outputTokens,
    { ...operation, "gen_ai.token.modality": "text" },
    () => states().reduce((sum, state) => sum + RunState.tokens(state), group.tokens)
  )
  // It is the one whose limits matter.
  const quietest = () =>
    states().reduce<RunState.RunState | undefined>(
      (quiet, state) => quiet === undefined || RunState.silence(state) > RunState.silence(quiet) ? state : quiet,
      undefined
    ) ?? group.last
  for (const name of ["suspect", "frozen", "silent"] as const) {
    // Whoever is told of no engine has nothing that could be frozen.
    if (name === "frozen" && labels["campaign.hop"] !== "engine") continue
    book.gaugedBy(catalogue.limit, { ...labels, "campaign.limit.name": name }, () => {
      const state = quietest()
      return state === undefined ? 0 : limitsOf(state)[name].millis / 1000
    })
  }
  if (labels["campaign.hop"] !== "engine") return
  const binding = () => {
    const found = new Set(states().map((state) => state.binding.status))
    return TELLING.find((status) => found.has(status)) ?? group.last?.binding.status ?? "unproven"
  }
  for (const status of BindingStatus.literals) {
    book.gaugedBy(catalogue.evidence, { ...labels, "campaign.binding": status }, () => binding() === status ? 1 : 0)
  }
}

/** What runs at an endpoint have found out of its metrics, that which says most first. */
const TELLING: ReadonlyArray<BindingStatus> = ["refuted", "proven", "inherited", "unproven"]

/** What was learned before the run; a limit that is not known any more has no series. */
const tellLearned = (book: MetricBook, { labels }: Group, { learned }: RunState.RunState): void => {
  for (const [name, millis] of [["silent", learned.gapMillis], ["first-token", learned.firstTokenMillis]] as const) {
    const named = { ...labels, "campaign.limit.name": name }
    if (millis === null) book.remove(catalogue.learnedLimit, named)
    else book.gauge(catalogue.learnedLimit, named).value = millis / 1000
  }
}

const tellVerdict = (book: MetricBook, labels: Labels, verdict: Verdict): void => {
  if (verdict._tag === "Alive" || verdict._tag === "Slow") return
  const stall = verdict._tag === "Stalled" ? verdict : undefined
  book.counter(catalogue.verdicts, {
    ...labels,
    "campaign.verdict": verdict._tag.toLowerCase(),
    "campaign.reason": reasonOf(verdict),
    "campaign.confidence": stall?.confidence,
    "campaign.phase": verdict._tag === "Completed" ? "finishing" : verdict.phase
  }).value++
  if (stall === undefined) return
  const { confidence, kind, silentMillis } = stall
  book.histogram(catalogue.stallSilence, { ...labels, "campaign.reason": kind, "campaign.confidence": confidence })
    .record(silentMillis / 1000)
}

type FinalVerdict = Exclude<Verdict, { readonly _tag: "Alive" | "Slow" }>

/** Why it fell, in one of a few words: the reasons with which engines finish are theirs, and could be anything. */
const reasonOf = (verdict: FinalVerdict): string => {
  switch (verdict._tag) {
    case "Stalled":
    case "Failed":
      return verdict.kind
    case "Cancelled":
      return verdict.by
    case "Completed":
      return FINISH_REASONS.has(verdict.finishReason) ? verdict.finishReason : OTHER
  }
}

/** Those of OpenAI's API and of an A2A task. */
const FINISH_REASONS = new Set(["stop", "length", "tool_calls", "content_filter", "function_call", "completed"])

/** `error.type` of the conventions; none for a run that came to its end. */
const errorOf = ({ outcome }: RunState.RunState): string | undefined =>
  outcome === undefined || outcome._tag === "Completed" ? undefined : reasonOf(outcome)
