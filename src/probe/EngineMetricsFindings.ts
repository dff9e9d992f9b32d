/**
 * What is wrong with an engine's metrics, its health and its cancels, and what to do about it: one line each. Pure.
 *
 * Nothing here is a blocker: without evidence a campaign still watches every token, and gives a silent run up by limits
 * of time instead of by proof.
 */
import { inSeconds } from "../liveness/inSeconds.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import { printable, rootOf } from "./EngineAnswer.ts"
import { heldOf, metricsRemedy } from "./EngineDialect.ts"
import type { EngineFacts } from "./EngineFacts.ts"
import { seriesNames } from "./EngineFacts.ts"
import { serverNames } from "./EngineIdentity.ts"
import { readable } from "./EngineMovement.ts"
import type { Finding, Severity } from "./EngineReport.ts"
import { collect } from "./EngineStreamFindings.ts"

type Say = (severity: Severity, id: string, text: string, remedy: string) => void

/** Metrics older than the first are worth knowing, older than the second no evidence for long: see evidence-fresh. */
const STALE_MILLIS = 900
const LATE_MILLIS = defaults.evidenceFreshMillis / 4
/** A prompt that is computed for so long, with nothing to see of it, makes a hang hard to tell. */
const LONG_PREFILL_MILLIS = defaults.frozenFloorMillis / 6

const NO_PROOF = "a hang is given up by time, after minutes, and never proved"

const unread = ({ identity, measured }: EngineFacts, say: Say): boolean => {
  const { looks } = measured
  const last = looks.at(-1)
  if (last === undefined) return true
  if (readable(looks).length > 0) {
    const failed = looks.length - readable(looks).length
    if (failed > 0) {
      say(
        "loss",
        "metrics-unsteady",
        `${failed} of ${looks.length} looks at /metrics failed (${
          last.problem ?? looks.find(({ problem }) => problem !== null)?.problem
        })`,
        "see why: evidence older than 20 s proves nothing"
      )
    }
    return false
  }
  const why = {
    "refused": "the connection is refused",
    "failed": "the connection breaks",
    "too-slow": "it does not answer in time",
    "too-long": "its answer is too long",
    "malformed": "its answer is no Prometheus text from beginning to end",
    "refused-status": `it answers ${last.status}`
  }[last.problem ?? "failed"]
  const wantsKey = last.status === 401 || last.status === 403
  const isOurs = identity.kind === "vllm" || identity.kind === "unknown"
  const isServed = last.problem !== "refused-status" || (last.status ?? 0) >= 500 && last.status !== 501
  say(
    "loss",
    wantsKey ? "metrics-key" : "no-metrics",
    `no metrics at ${rootOf(measured.url)}/metrics: ${why}; ${NO_PROOF}`,
    wantsKey && isOurs
      ? "let /metrics be read without a key, as vLLM does: scrapes carry none"
      : isServed && isOurs
      ? "ask it with curl, past any proxy: it must answer a Prometheus text within 4 s"
      : metricsRemedy[identity.kind]
  )
  return true
}

const foreign = ({ identity, measured }: EngineFacts, say: Say): boolean => {
  const names = seriesNames(measured)
  if (names.some((name) => name.startsWith("vllm:"))) return false
  if (identity.kind === "vllm") {
    say(
      "loss",
      "stats-disabled",
      `/metrics has no series of the engine; ${NO_PROOF}`,
      "start vLLM without --disable-log-stats"
    )
  } else {
    const whose = identity.kind === "unknown" ? "not vLLM's" : `those of ${serverNames[identity.kind]}`
    say(
      "loss",
      "other-metrics",
      `the series of /metrics are ${whose}, which a campaign cannot use as evidence; ${NO_PROOF}`,
      "set --stall-limit to what you are ready to wait; vLLM is the engine whose hangs can be proved"
    )
  }
  return true
}

const untrue = ({ evidence, measured, tokens }: EngineFacts, say: Say): void => {
  const looks = readable(measured.looks)
  const engines = [...new Set(looks.flatMap(({ samples }) => samples.map(({ engine }) => engine)))]
  if (evidence.alternates) {
    say(
      "loss",
      "alternating",
      "several servers answer /metrics by turns: counters fall, or start times differ",
      "give every replica an address of its own and name each as an engine of the campaign"
    )
  } else if (evidence.restarted) {
    say("note", "restarted", "the server was restarted during the probe", "probe it again")
  } else if (engines.length > 1) {
    say(
      "loss",
      "several-engines",
      `${engines.length} engines stand behind this address, and a run cannot know which is its own`,
      "give every data-parallel rank a port of its own (vLLM: --data-parallel-external-lb)"
    )
  } else if (evidence.binding === "refuted") {
    const others = looks.length > 1 &&
      [...looks.at(-1)!.values].some(([name, value]) =>
        /^(?:process|python)_/.test(name) && looks[0]!.values.get(name) !== value
      )
    const why = others ? "they are those of another engine" : "they come from a cache, or from another engine"
    say(
      "loss",
      "still",
      `the metrics did not count our ${tokens?.counted ?? 0} tokens: ${why}`,
      "ask the engine itself, without what caches or balances in front of it"
    )
  } else if (Math.max(evidence.settleMillis ?? 0, evidence.cachedMillis) > STALE_MILLIS) {
    const millis = Math.max(evidence.settleMillis ?? 0, evidence.cachedMillis)
    say(
      millis > LATE_MILLIS ? "loss" : "note",
      "late",
      `the metrics are up to ${inSeconds(millis)} old, as from a cache`,
      "take out what caches /metrics; evidence older than 20 s proves nothing"
    )
  } else if (evidence.binding === "unproven" && (tokens?.counted ?? 0) >= defaults.bindingTokens) {
    say(
      "note",
      "unproven",
      "too few tokens came between two looks to prove whose metrics these are",
      "nothing to do: the first runs of a campaign prove it"
    )
  }
}

const lacking = ({ measured, prefill, prefillMillis, series }: EngineFacts, say: Say): void => {
  const looks = readable(measured.looks)
  const [first] = looks
  const sample = looks.findLast(({ samples }) => samples.length > 0)?.samples[0]
  if (first === undefined || sample === undefined) return
  if (!looks.some(({ startedAtSeconds }) => startedAtSeconds !== null)) {
    say(
      "note",
      "no-start-time",
      "no process_start_time_seconds (several API servers?): a restart shows only by counters that fall",
      "nothing to do"
    )
  }
  if (sample.decodeOutputs === null) {
    say(
      "loss",
      "no-decode-counter",
      "no count of decoded tokens: an engine that only computes prompts looks alive",
      "use a vLLM that has inter_token_latency_seconds or time_per_output_token_seconds"
    )
  }
  if (sample.running === null || sample.waiting === null) {
    say(
      "loss",
      "no-gauges",
      "no count of running and waiting requests: a lost request cannot be proved",
      "use a vLLM that has num_requests_running and num_requests_waiting"
    )
  }
  if (sample.asleep === true) say("loss", "asleep", "the engine says that it sleeps", "wake it: POST /wake_up")
  if (prefill === "still" && (prefillMillis ?? 0) >= LONG_PREFILL_MILLIS) {
    say(
      "loss",
      "still-prefill",
      `nothing moved while a prompt was computed for ${
        inSeconds(prefillMillis ?? 0)
      }: much longer ones look like a hang`,
      `raise --liveness frozen-floor above the longest prefill you expect`
    )
  }
  const idle = series.filter(({ name, phases }) => name.startsWith("vllm:") && phases.idle.moved > 0)
  const busy = heldOf(first) ?? 0
  if (busy > 0 || idle.length > 0) {
    say(
      "note",
      "busy",
      `the engine is not idle${
        busy > 0 ? `: it held ${busy} requests of others` : ""
      }; what moved may have moved for them`,
      "probe it while nobody else uses it, for a clear answer"
    )
  }
  const models = [...new Set(looks.flatMap(({ models }) => models))]
  if (measured.model !== null && models.length > 0 && !models.includes(measured.model)) {
    say(
      "note",
      "other-model",
      `the metrics are labelled with another model: ${
        models.slice(0, 3).map((model) => `"${printable(model, 60)}"`).join(", ")
      }`,
      "see whether /metrics and /v1 are of the same engine (a name given by --served-model-name is the same)"
    )
  }
  if (sample.kvCacheUsage !== null && first.values.has("vllm:gpu_cache_usage_perc")) {
    say("note", "old-names", "the series have the names of an old vLLM, which a campaign understands", "nothing to do")
  }
}

const besides = ({ abort, identity, measured }: EngineFacts, say: Say): void => {
  const { health, modelsWithoutKey } = measured
  if (health !== undefined && health.status !== null && health.status >= 500) {
    say("loss", "unwell", `/health answers ${health.status}`, "look into the log of the engine")
  } else if (health !== undefined && health.status !== 200 && measured.models?.problem !== "refused") {
    say(
      "note",
      "no-health",
      `no /health (${health.status ?? "no answer"}): a dead engine shows only when it refuses connections`,
      identity.kind === "ollama" ? "nothing to do: Ollama has none" : "let the proxy pass /health on"
    )
  }
  if (abort.outcome === "ignored") {
    const more = abort.tokensAfter === null ? "" : `, for ${abort.tokensAfter} tokens more`
    say(
      "loss",
      "abort-ignored",
      `it goes on when its client leaves${more}: runs that were given up go on costing`,
      "find what keeps the connection open: a proxy must close its own when the client leaves"
    )
  } else if (abort.outcome === "not-known" && measured.streams.some(({ purpose }) => purpose === "abort")) {
    say(
      "note",
      "abort-unknown",
      `whether it stops when its client leaves is not known: ${abort.why}`,
      "see its log when a client leaves; a cancel is recorded as not confirmed"
    )
  }
  if (measured.keyed && modelsWithoutKey?.status === 200) {
    say(
      "note",
      "key-not-needed",
      "the list of models is given without the key",
      "nothing to do, if anybody may know them"
    )
  }
}

/** Everything about metrics, health and cancels. */
export const metricsFindings = (facts: EngineFacts): ReadonlyArray<Finding> =>
  collect((say) => {
    if (facts.measured.streams.length > 0 && !unread(facts, say) && !foreign(facts, say)) {
      untrue(facts, say)
      lacking(facts, say)
    }
    besides(facts, say)
  })
