/**
 * Faults of the server around the engine: its process, its other endpoints, its sleep.
 *
 * None of those of /metrics and /health may ever fail a run by itself: they take evidence away.
 */
import {
  afterTokens,
  atToken,
  choice,
  completed,
  count,
  entry,
  failed,
  type FaultEntry,
  seconds,
  slowly,
  stalled
} from "./FaultEntry.ts"

const sockets = choice(
  ["half-open", "closed"],
  "what becomes of open connections; half-open: the client hears nothing, as when a machine is gone"
)

const untouched = "unaffected"
const unknown = completed("evidence unknown: limits as without it, never a failure by itself")
const refuted = completed("evidence refuted by the tokens that arrive; no false kill")

export const serverFaultEntries: ReadonlyArray<FaultEntry> = [
  entry({
    name: "engine-death",
    summary: "The engine's process dies; the server says so, ends, and is started again after half a minute.",
    scope: "server",
    parameters: {
      "after-tokens": afterTokens,
      "exit-after": seconds(5, "time until the server ends and connections are refused")
    },
    trigger: { for: 30 },
    wire: "an error event with code 500 and [DONE] in every stream; new requests get 500, /health 503; then refused",
    metrics: "frozen, then refused, then all counters begin at 0 with a new process_start_time_seconds",
    outcome: failed(["mid-stream-error"], "the retry waits for the gate and completes"),
    actions: (p) => [{
      _tag: "Trigger",
      when: atToken(p["after-tokens"]),
      action: { _tag: "EngineDeath", exitSeconds: p["exit-after"] }
    }]
  }),
  entry({
    name: "server-killed",
    summary: "The server is gone and does not come back; open connections hear nothing of it.",
    scope: "server",
    parameters: { "after-tokens": afterTokens, sockets },
    wire: "tokens stop without an end of the connection; new connections are refused",
    metrics: "refused",
    outcome: stalled(["engine-dead"], "after two refused scrapes; with sockets=closed failed as connection-lost"),
    actions: (p) => [{
      _tag: "Trigger",
      when: atToken(p["after-tokens"]),
      action: { _tag: "Kill", sockets: p.sockets }
    }]
  }),
  entry({
    name: "server-restart",
    summary: "The server is gone and comes back after some seconds; open connections hear nothing of it.",
    scope: "server",
    parameters: { "after-tokens": afterTokens, sockets },
    trigger: { for: 5 },
    wire: "tokens stop without an end of the connection; new connections are refused, then served",
    metrics: "all counters begin at 0 with a new process_start_time_seconds",
    outcome: stalled(["engine-restarted"], "with sockets=closed failed as connection-lost"),
    actions: (p) => [{
      _tag: "Trigger",
      when: atToken(p["after-tokens"]),
      action: { _tag: "Kill", sockets: p.sockets }
    }]
  }),
  entry({
    name: "sleep-keep",
    summary: "The engine sleeps for five minutes, with its requests frozen, and goes on.",
    scope: "server",
    parameters: { "after-tokens": afterTokens },
    trigger: { for: 300 },
    wire: "a silence, then the answer goes on; /is_sleeping is true",
    metrics: "engine_sleep_state says weights_offloaded, everything else keeps its values",
    outcome: slowly("engine-asleep"),
    actions: (p) => [{
      _tag: "Trigger",
      when: atToken(p["after-tokens"]),
      action: { _tag: "Sleep", mode: "keep" }
    }]
  }),
  entry({
    name: "sleep-abort",
    summary: "The engine is put to sleep for half a minute and ends what it was doing.",
    scope: "server",
    parameters: { "after-tokens": afterTokens },
    trigger: { for: 30 },
    wire: "the answer ends with finish reason abort",
    metrics: "request_success{finished_reason=\"abort\"} counts it; engine_sleep_state says weights_offloaded",
    outcome: failed(["aborted-by-server"]),
    actions: (p) => [{
      _tag: "Trigger",
      when: atToken(p["after-tokens"]),
      action: { _tag: "Sleep", mode: "abort" }
    }]
  }),
  entry({
    name: "connection-refused",
    summary: "Nobody listens on the port; open connections go on.",
    scope: "server",
    trigger: { for: 30 },
    wire: "connection refused",
    metrics: "refused",
    outcome: failed(["connect-error"]),
    actions: () => [{ _tag: "RefuseConnections" }]
  }),
  entry({
    name: "server-silent",
    summary: "Connections are accepted, and nothing is answered on any path.",
    scope: "server",
    trigger: { for: 120 },
    wire: "no byte for new requests",
    metrics: "no answer",
    outcome: failed(["connect-timeout"]),
    actions: () => [{ _tag: "Silence" }]
  }),
  entry({
    name: "busy",
    summary: "Requests of other clients come and go in the engine.",
    scope: "server",
    parameters: { requests: count(4, "how many at once", 1) },
    example: "busy:requests=16",
    wire: "unaffected, unless places or KV cache run out",
    metrics: "all series move; num_requests_running counts them",
    outcome: completed(),
    actions: (p) => [{ _tag: "OtherRequests", count: p.requests }]
  }),
  entry({
    name: "metrics-down",
    summary: "GET /metrics closes the connection without an answer.",
    scope: "server",
    wire: untouched,
    metrics: "connection closed",
    outcome: unknown,
    actions: () => [{ _tag: "Metrics", fault: { kind: "down" } }]
  }),
  entry({
    name: "metrics-slow",
    summary: "GET /metrics takes long.",
    scope: "server",
    parameters: { seconds: seconds(20, "how long") },
    wire: untouched,
    metrics: "right, but late: the values of the moment the answer leaves",
    outcome: unknown,
    actions: (p) => [{ _tag: "Metrics", fault: { kind: "slow", seconds: p.seconds } }]
  }),
  entry({
    name: "metrics-error",
    summary: "GET /metrics fails.",
    scope: "server",
    parameters: { status: count(500, "the status", 400) },
    wire: untouched,
    metrics: "the status with a short text",
    outcome: unknown,
    actions: (p) => [{ _tag: "Metrics", fault: { kind: "error", status: p.status } }]
  }),
  entry({
    name: "metrics-huge",
    summary: "GET /metrics has very many series of something else before those of the engine.",
    scope: "server",
    parameters: { megabytes: count(64, "how much of them", 1) },
    wire: untouched,
    metrics: "right, at the end of a very long text",
    outcome: unknown,
    actions: (p) => [{ _tag: "Metrics", fault: { kind: "huge", megabytes: p.megabytes } }]
  }),
  entry({
    name: "metrics-malformed",
    summary: "GET /metrics answers with a text that is no metrics from its middle on.",
    scope: "server",
    wire: untouched,
    metrics: "half of the series, one line cut, then HTML",
    outcome: unknown,
    actions: () => [{ _tag: "Metrics", fault: { kind: "malformed" } }]
  }),
  entry({
    name: "metrics-wrong-model",
    summary: "The label model_name has another value than the model that is served.",
    scope: "server",
    wire: untouched,
    metrics: "right but for model_name=\"another-model\"",
    outcome: unknown,
    actions: () => [{ _tag: "Metrics", fault: { kind: "wrong-model", model: "another-model" } }]
  }),
  entry({
    name: "metrics-other-replica",
    summary: "GET /metrics is answered by another server, one without requests.",
    scope: "server",
    wire: untouched,
    metrics: "an idle engine's, all counters at 0",
    outcome: refuted,
    actions: () => [{ _tag: "Metrics", fault: { kind: "other-replica" } }]
  }),
  entry({
    name: "metrics-alternating",
    summary: "Every second GET /metrics is answered by another server.",
    scope: "server",
    wire: untouched,
    metrics: "right and idle by turns; counters fall at every second scrape",
    outcome: refuted,
    actions: () => [{ _tag: "Metrics", fault: { kind: "alternating" } }]
  }),
  entry({
    name: "metrics-cached",
    summary: "GET /metrics is answered from a cache.",
    scope: "server",
    parameters: { seconds: seconds(60, "how old the text may be") },
    wire: untouched,
    metrics: "right, but up to a minute old",
    outcome: refuted,
    actions: (p) => [{ _tag: "Metrics", fault: { kind: "cached", seconds: p.seconds } }]
  }),
  entry({
    name: "metrics-disabled",
    summary: "The engine was started with --disable-log-stats.",
    scope: "server",
    wire: untouched,
    metrics: "process_start_time_seconds only, no series of the engine",
    outcome: refuted,
    actions: () => [{ _tag: "Metrics", fault: { kind: "disabled" } }]
  }),
  entry({
    name: "health-blip",
    summary: "GET /health answers 503 for three seconds.",
    scope: "server",
    parameters: { status: count(503, "the status", 400) },
    trigger: { for: 3 },
    wire: untouched,
    metrics: "everything moves",
    outcome: completed("slow at most"),
    actions: (p) => [{ _tag: "Health", status: p.status }]
  })
]
