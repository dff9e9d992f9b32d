/**
 * What the servers we know call the same things in their metrics, and how one changes a setting of each: the only place
 * where the probe knows names. Pure.
 *
 * Our evidence reads vLLM's names alone (liveness/EngineMetrics.ts). The others are known here so that the probe can see
 * whether a server stops when its client leaves, and can say what a campaign loses with it.
 */
import type { ServerKind } from "./EngineIdentity.ts"
import type { EngineLook } from "./EngineLook.ts"

export interface Readings {
  readonly running: ReadonlyArray<string>
  readonly waiting: ReadonlyArray<string>
  readonly generated: ReadonlyArray<string>
}

const readings: Readonly<Record<ServerKind, Readings>> = {
  "vllm": {
    running: ["vllm:num_requests_running"],
    waiting: ["vllm:num_requests_waiting"],
    generated: ["vllm:generation_tokens_total", "vllm:generation_tokens"]
  },
  "sglang": {
    running: ["sglang:num_running_reqs"],
    waiting: ["sglang:num_queue_reqs"],
    generated: ["sglang:generation_tokens_total"]
  },
  "llama.cpp": {
    running: ["llamacpp:requests_processing"],
    waiting: ["llamacpp:requests_deferred"],
    generated: ["llamacpp:tokens_predicted_total"]
  },
  "ollama": { running: [], waiting: [], generated: [] },
  "unknown": { running: [], waiting: [], generated: [] }
}

/** The counters of tokens that were made. */
export const generatedNames: ReadonlyArray<string> = Object.values(readings).flatMap(({ generated }) => generated)

/** A reading of a look, by whatever kind of server it comes from; `null` where the look does not tell. */
export const readingOf = (look: EngineLook, reading: keyof Readings): number | null => {
  for (const names of Object.values(readings)) {
    for (const name of names[reading]) {
      const value = look.values.get(name)
      if (value !== undefined) return value
    }
  }
  return null
}

/** The requests that an engine holds, running and waiting. */
export const heldOf = (look: EngineLook): number | null => {
  const running = readingOf(look, "running")
  return running === null ? null : running + (readingOf(look, "waiting") ?? 0)
}

/** How each is told to serve metrics. */
export const metricsRemedy: Readonly<Record<ServerKind, string>> = {
  "vllm": "let the proxy pass /metrics on; vLLM itself always serves it",
  "sglang": "start SGLang with --enable-metrics, which helps people but not yet a campaign: it reads vLLM's names only",
  "llama.cpp":
    "start llama-server with --metrics, which helps people but not yet a campaign: it reads vLLM's names only",
  "ollama": "none: Ollama has no metrics; use vLLM where hangs must be proved, or set --stall-limit yourself",
  "unknown": "serve /metrics beside /v1 as vLLM does, or set --stall-limit yourself"
}
