/**
 * One look at everything an engine's `/metrics` say: all its series, and the sample that our own evidence would take
 * from them.
 *
 * `engine/MetricsScrape.ts` asks only for what evidence needs, and has no word for what is wrong; the probe wants to know
 * what is there, what moves, and why there may be no sample. The sample is made by the very code that evidence uses.
 * Values are kept by name and summed over their labels; buckets and creation times tell nothing and are left out.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as MetricsText from "../engine/MetricsText.ts"
import { samplesOf } from "../liveness/EngineMetrics.ts"
import type { EngineSample } from "../liveness/EngineSample.ts"
import { ask, type EngineAnswer, type NoAnswer } from "./EngineAnswer.ts"

export interface EngineLook {
  readonly askedAt: number
  readonly at: number
  readonly status: number | null
  /** Why there are no values; `null` where there are some, or none are served. */
  readonly problem: NoAnswer | "refused-status" | "malformed" | null
  readonly values: ReadonlyMap<string, number>
  /** One for each `engine` label of vLLM's series. */
  readonly samples: ReadonlyArray<EngineSample>
  readonly startedAtSeconds: number | null
  /** The models that `model_name` labels tell. */
  readonly models: ReadonlyArray<string>
}

/** Some more than evidence reads: whoever sends more is unreadable to both. */
const MOST_BYTES = 32_000_000
const MOST_NAMES = 2000
const MOST_MODELS = 20

const isKept = (name: string): boolean => !name.endsWith("_bucket") && !name.endsWith("_created")

/** What an answer to `GET /metrics` says. Never throws. */
export const read = (answer: EngineAnswer): EngineLook => {
  const { askedAt, at, body, problem, status } = answer
  const empty = { values: new Map<string, number>(), samples: [], startedAtSeconds: null, models: [] }
  if (problem !== null) return { askedAt, at, status, problem, ...empty }
  if (status !== 200) return { askedAt, at, status, problem: "refused-status", ...empty }
  const series = MetricsText.parse(body, isKept)
  if (Result.isFailure(series)) return { askedAt, at, status, problem: "malformed", ...empty }
  const values = new Map<string, number>()
  const models = new Set<string>()
  for (const { labels, name, value } of series.success) {
    const model = labels["model_name"]
    if (model !== undefined && models.size < MOST_MODELS) models.add(model)
    if (!Number.isFinite(value) || (!values.has(name) && values.size >= MOST_NAMES)) continue
    values.set(name, (values.get(name) ?? 0) + value)
  }
  const samples = samplesOf(series.success)
  return {
    askedAt,
    at,
    status,
    problem: null,
    values,
    samples,
    startedAtSeconds: values.get("process_start_time_seconds") ?? null,
    models: [...models]
  }
}

/** Looks once. As evidence does, it sends no key. */
export const take = (
  fetch: typeof globalThis.fetch,
  root: string,
  patienceMillis: number
): Effect.Effect<EngineLook> =>
  Effect.map(ask(fetch, `${root}/metrics`, { patienceMillis, mostBytes: MOST_BYTES }), read)
