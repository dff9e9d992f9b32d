/**
 * Every metric there is: its name, unit, meaning, labels and buckets, and where these come from. Nothing else of ours may
 * name a metric; the page, the export, the table in docs/metrics.md and the dashboard file are held to this list by tests.
 *
 * Names, units and buckets of `gen_ai.*` are those of OpenTelemetry's semantic conventions for generative AI
 * (open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md; status Development), those of `nodejs.*`,
 * `v8js.*` and `process.*` of its conventions for runtimes and processes. No convention knows verdicts, silence, gates or
 * evidence: these are ours, and begin with `campaign.`.
 *
 * Names are OpenTelemetry's, with dots. What Prometheus calls them is said by PrometheusNames.ts.
 *
 * Gotcha: labels are models, endpoints, agents and closed lists of words, never a task, a battle or a text from elsewhere.
 */

/** How often buckets of the conventions double: 10 ms to 82 s. */
const conventionBounds = [
  0.01,
  0.02,
  0.04,
  0.08,
  0.16,
  0.32,
  0.64,
  1.28,
  2.56,
  5.12,
  10.24,
  20.48,
  40.96,
  81.92
] as const

/** An engine on one card makes a token in less than the smallest of them. */
const finerBounds = [0.001, 0.0025, 0.005] as const
/** A battle lasts minutes, a silence may last as long as its limit. */
const longerBounds = [163.84, 327.68, 655.36, 1310.72, 2621.44] as const

export interface MetricDefinition {
  /** As OpenTelemetry writes it. */
  readonly name: string
  readonly kind: "counter" | "gauge" | "histogram"
  /** Of UCUM: `s`, `By`, `1`, or what is counted, in braces. */
  readonly unit: string
  /** One sentence. */
  readonly description: string
  /** The labels that a series may have. */
  readonly labels: ReadonlyArray<string>
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly bounds?: ReadonlyArray<number>
  readonly source: "gen-ai" | "runtime" | "ours"
}

/** What a watched run is of. */
const runLabels = ["campaign.hop", "gen_ai.request.model", "server.address", "server.port"] as const
/** The same with what the conventions want to be told as well. */
const operationLabels = ["gen_ai.operation.name", "gen_ai.provider.name", ...runLabels] as const

const firstChunk: MetricDefinition = {
  name: "gen_ai.client.operation.time_to_first_chunk",
  kind: "histogram",
  unit: "s",
  description: "From sending a request to the first token of its answer",
  labels: operationLabels,
  bounds: [...conventionBounds, ...longerBounds],
  source: "gen-ai"
}

const outputChunk: MetricDefinition = {
  name: "gen_ai.client.operation.time_per_output_chunk",
  kind: "histogram",
  unit: "s",
  description: "Between an arrival of tokens and the one before; tokens that come at one instant are one arrival",
  labels: operationLabels,
  bounds: [...finerBounds, ...conventionBounds, ...longerBounds],
  source: "gen-ai"
}

const operationDuration: MetricDefinition = {
  name: "gen_ai.client.operation.duration",
  kind: "histogram",
  unit: "s",
  description: "From sending a request to an engine to the end of its answer, without what its reader let it wait",
  labels: [...operationLabels, "error.type"],
  bounds: [...conventionBounds, ...longerBounds],
  source: "gen-ai"
}

const agentDuration: MetricDefinition = {
  name: "gen_ai.invoke_agent.duration",
  kind: "histogram",
  unit: "s",
  description: "From sending a message to an agent to the end of its task, without what its reader let it wait",
  labels: [...operationLabels, "error.type"],
  bounds: [...conventionBounds, ...longerBounds],
  source: "gen-ai"
}

const outputTokens: MetricDefinition = {
  name: "gen_ai.client.inference.usage.output_tokens",
  kind: "counter",
  unit: "{token}",
  description: "Tokens generated, reasoning included, as each hop sees them: choose one before adding up",
  labels: [...operationLabels, "gen_ai.token.modality"],
  source: "gen-ai"
}

const battleDuration: MetricDefinition = {
  name: "gen_ai.workflow.duration",
  kind: "histogram",
  unit: "s",
  description: "From the beginning of an attempt at a battle to its grade or its error",
  labels: ["gen_ai.workflow.name", "gen_ai.agent.name", "error.type"],
  bounds: [...conventionBounds, ...longerBounds],
  source: "gen-ai"
}

const runsActive: MetricDefinition = {
  name: "campaign.runs.active",
  kind: "gauge",
  unit: "{run}",
  description: "Runs in flight, by the phase they are in",
  labels: [...runLabels, "campaign.phase"],
  source: "ours"
}

const runsSlow: MetricDefinition = {
  name: "campaign.runs.slow",
  kind: "gauge",
  unit: "{run}",
  description: "Runs in flight that are called slow, by the reason",
  labels: [...runLabels, "campaign.reason"],
  source: "ours"
}

const longestSilence: MetricDefinition = {
  name: "campaign.run.silence.longest",
  kind: "gauge",
  unit: "s",
  description: "How long the run in flight that is silent longest has had no token; 0 without runs",
  labels: runLabels,
  source: "ours"
}

const verdicts: MetricDefinition = {
  name: "campaign.run.verdicts",
  kind: "counter",
  unit: "{verdict}",
  description: "Final verdicts: what became of runs, why, how sure that is, and in which phase",
  labels: [...runLabels, "campaign.verdict", "campaign.reason", "campaign.confidence", "campaign.phase"],
  source: "ours"
}

const stallSilence: MetricDefinition = {
  name: "campaign.stall.silence",
  kind: "histogram",
  unit: "s",
  description: "How long a run had had no token when it was found stalled",
  labels: [...runLabels, "campaign.reason", "campaign.confidence"],
  bounds: [1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 60, 81.92, 120, 163.84, 240, 327.68, 480, 655.36, 900, 1310.72, 1800],
  source: "ours"
}

const evidence: MetricDefinition = {
  name: "campaign.engine.evidence",
  kind: "gauge",
  unit: "{binding}",
  description:
    "1 for what is known of whether the metrics that are read are those of the engine that serves us, else 0",
  labels: [...runLabels, "campaign.binding"],
  source: "ours"
}

const limit: MetricDefinition = {
  name: "campaign.limit",
  kind: "gauge",
  unit: "s",
  description: "A limit in force of the run that is silent longest, or was the last one",
  labels: [...runLabels, "campaign.limit.name"],
  source: "ours"
}

const learnedLimit: MetricDefinition = {
  name: "campaign.limit.learned",
  kind: "gauge",
  unit: "s",
  description: "A limit learned from finished runs; absent while too few have finished",
  labels: [...runLabels, "campaign.limit.name"],
  source: "ours"
}

const gateState: MetricDefinition = {
  name: "campaign.gate.state",
  kind: "gauge",
  unit: "{state}",
  description: "1 for the state in which the gate of an engine is, or the breaker of an agent, else 0",
  labels: ["campaign.gate.of", "campaign.gate.name", "campaign.state"],
  source: "ours"
}

const gateOpenings: MetricDefinition = {
  name: "campaign.gate.openings",
  kind: "counter",
  unit: "{opening}",
  description: "How often the gate of an engine, or the breaker of an agent, has opened: nothing may start",
  labels: ["campaign.gate.of", "campaign.gate.name"],
  source: "ours"
}

const battles: MetricDefinition = {
  name: "campaign.battles",
  kind: "gauge",
  unit: "{battle}",
  description: "Battles of the campaign: waiting, in flight, scored, or without a score",
  labels: ["gen_ai.agent.name", "campaign.state"],
  source: "ours"
}

const unscored: MetricDefinition = {
  name: "campaign.battles.unscored",
  kind: "gauge",
  unit: "{battle}",
  description: "Battles that ended without a score, by the kind of their last error",
  labels: ["gen_ai.agent.name", "error.type"],
  source: "ours"
}

const attempts: MetricDefinition = {
  name: "campaign.attempts",
  kind: "counter",
  unit: "{attempt}",
  description: "Attempts at battles that have ended, by how",
  labels: ["gen_ai.agent.name", "campaign.verdict"],
  source: "ours"
}

const retries: MetricDefinition = {
  name: "campaign.retries",
  kind: "counter",
  unit: "{attempt}",
  description: "Attempts that are followed by another one, by the kind of their error",
  labels: ["gen_ai.agent.name", "error.type"],
  source: "ours"
}

const superseded: MetricDefinition = {
  name: "campaign.attempts.superseded",
  kind: "counter",
  unit: "{attempt}",
  description: "Attempts whose answer came after a later one had counted; it was kept and counts for nothing",
  labels: ["gen_ai.agent.name"],
  source: "ours"
}

const concurrency: MetricDefinition = {
  name: "campaign.concurrency",
  kind: "gauge",
  unit: "{battle}",
  description: "How many battles of a lane may run at once; 0 while it is halted",
  labels: ["campaign.lane"],
  source: "ours"
}

const epochs: MetricDefinition = {
  name: "campaign.engine.epochs",
  kind: "counter",
  unit: "{epoch}",
  description: "How often an engine was found to be another process, or to serve another model",
  labels: ["campaign.engine.name"],
  source: "ours"
}

const lag = (quantile: string, which: string): MetricDefinition => ({
  name: `nodejs.eventloop.delay.${quantile}`,
  kind: "gauge",
  unit: "s",
  description: `How late the event loop ran what was due, ${which} of the last 10 s or more`,
  labels: [],
  source: "runtime"
})

const lagP50 = lag("p50", "the median")
const lagP99 = lag("p99", "the 99th percentile")
const lagMax = lag("max", "the longest")

const utilization: MetricDefinition = {
  name: "nodejs.eventloop.utilization",
  kind: "gauge",
  unit: "1",
  description: "The share of the time in which the event loop was at work, of the last 10 s or more",
  labels: [],
  source: "runtime"
}

const heapUsed: MetricDefinition = {
  name: "v8js.memory.heap.used",
  kind: "gauge",
  unit: "By",
  description: "Memory in use in the heap, by its spaces",
  labels: ["v8js.heap.space.name"],
  source: "runtime"
}

const memoryUsage: MetricDefinition = {
  name: "process.memory.usage",
  kind: "gauge",
  unit: "By",
  description: "Memory of the process that is resident",
  labels: [],
  source: "runtime"
}

const cpuTime: MetricDefinition = {
  name: "process.cpu.time",
  kind: "counter",
  unit: "s",
  description: "Processor time that the process has used",
  labels: ["cpu.mode"],
  source: "runtime"
}

const uptime: MetricDefinition = {
  name: "process.uptime",
  kind: "gauge",
  unit: "s",
  description: "How long the process has run",
  labels: [],
  source: "runtime"
}

/** All metrics, by what they are called here. */
export const catalogue = {
  firstChunk,
  outputChunk,
  operationDuration,
  agentDuration,
  outputTokens,
  battleDuration,
  runsActive,
  runsSlow,
  longestSilence,
  verdicts,
  stallSilence,
  evidence,
  limit,
  learnedLimit,
  gateState,
  gateOpenings,
  battles,
  unscored,
  attempts,
  retries,
  superseded,
  concurrency,
  epochs,
  lagP50,
  lagP99,
  lagMax,
  utilization,
  heapUsed,
  memoryUsage,
  cpuTime,
  uptime
} as const

/** The same, in the order of the tables. */
export const everyMetric: ReadonlyArray<MetricDefinition> = Object.values(catalogue)
