/**
 * Faults of the engine: what makes it stand still or slow, and what may look like that.
 *
 * A hang stands in the catalogue once for each way it can look, because each has fooled somebody: with gauges that say
 * nothing runs, with comments or empty chunks in front of it, before the first token, in the queue, in one rank only.
 */
import {
  afterTokens,
  atToken,
  choice,
  completed,
  count,
  entry,
  type FaultEntry,
  rate,
  seconds,
  slowly,
  stalled
} from "./FaultEntry.ts"

const others = count(1, "requests of other clients that keep the engine busy meanwhile")

const frozen = "every series keeps its last value"

export const engineFaultEntries: ReadonlyArray<FaultEntry> = [
  entry({
    name: "engine-hang",
    summary: "The engine's loop stops in the middle of an answer.",
    scope: "server",
    parameters: { "after-tokens": afterTokens },
    example: "engine-hang:after-tokens=20,request=3",
    wire: "tokens stop; the connection stays open; new requests get their headers and nothing else",
    metrics: frozen,
    outcome: stalled(["engine-hung"], "60 to 66 s after the last token; the gate opens"),
    actions: (p) => [{ _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "Hang", ranks: "all" } }]
  }),
  entry({
    name: "engine-hang-idle-gauge",
    summary: "The engine's loop stops, and the gauge says that nothing runs.",
    scope: "server",
    parameters: { "after-tokens": afterTokens },
    wire: "as engine-hang",
    metrics: "num_requests_running is 0, everything else keeps its last value",
    outcome: stalled(["orphaned", "engine-idle"]),
    actions: (p) => [{
      _tag: "Trigger",
      when: atToken(p["after-tokens"]),
      action: { _tag: "Hang", ranks: "all", runningGauge: 0 }
    }]
  }),
  entry({
    name: "engine-hang-before-first-token",
    summary: "The engine's loop stops while the prompt is computed.",
    scope: "server",
    parameters: { "role-chunk": choice(["no", "yes"], "whether a role chunk comes with the headers") },
    example: "engine-hang-before-first-token:role-chunk=yes",
    wire: "headers, or headers and a role chunk, and nothing else",
    metrics: frozen,
    outcome: stalled(["engine-hung"]),
    actions: (p) => [
      ...(p["role-chunk"] === "yes" ? [{ _tag: "RoleChunkFirst" } as const] : []),
      { _tag: "Trigger", when: "admitted", action: { _tag: "Hang", ranks: "all" } }
    ]
  }),
  entry({
    name: "engine-hang-while-queued",
    summary: "The engine's loop stops while the request waits in the queue.",
    scope: "server",
    wire: "headers and nothing else, for this request and all later ones",
    metrics: "num_requests_waiting is 1 or more; every series keeps its last value",
    outcome: stalled(["engine-hung"], "every request that waits, and one gate for all of them"),
    actions: () => [
      { _tag: "Hold", reason: "capacity", seconds: 0, others: 0 },
      { _tag: "Trigger", when: "queued", action: { _tag: "Hang", ranks: "all" } }
    ]
  }),
  entry({
    name: "engine-hang-with-comments",
    summary: "The engine's loop stops behind a server or proxy that sends keep-alive comments.",
    scope: "server",
    parameters: { "after-tokens": afterTokens, every: seconds(15, "time between two comments") },
    wire: "tokens stop, comments go on",
    metrics: frozen,
    outcome: stalled(["engine-hung"], "as if there were no comments"),
    actions: (p) => [
      { _tag: "Noise", frame: "comment", everySeconds: p.every },
      { _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "Hang", ranks: "all" } }
    ]
  }),
  entry({
    name: "engine-hang-with-noise",
    summary: "The engine's loop stops behind a server that goes on sending chunks without a token.",
    scope: "server",
    parameters: {
      "after-tokens": afterTokens,
      every: seconds(1, "time between two chunks"),
      frame: choice(["empty-delta", "role-chunk", "usage"], "what is sent; usage is one that does not grow")
    },
    example: "engine-hang-with-noise:frame=usage,every=2",
    wire: "tokens stop, chunks go on",
    metrics: frozen,
    outcome: stalled(["engine-hung"], "as if there were no chunks"),
    actions: (p) => [
      { _tag: "Noise", frame: p.frame, everySeconds: p.every },
      { _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "Hang", ranks: "all" } }
    ]
  }),
  entry({
    name: "decode-hang",
    summary: "Decoding stops in all engines, prompts of new requests are still computed.",
    scope: "server",
    parameters: {
      "after-tokens": afterTokens,
      others: count(
        1,
        "other clients that go on asking, and leave without a second token; without any the engine looks hung"
      )
    },
    wire: "tokens stop; a new request gets its first token and no second one",
    metrics:
      "time_to_first_token_seconds and prompt_tokens move with new requests, inter_token_latency_seconds does not",
    outcome: stalled(["decode-hung"]),
    actions: (
      p
    ) => [{ _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "StopDecoding", others: p.others } }]
  }),
  entry({
    name: "rank-hang",
    summary: "One of several data-parallel engines stops, the others work.",
    scope: "server",
    parameters: { "after-tokens": afterTokens, rank: count(0, "the engine that stops") },
    example: "rank-hang:rank=1",
    wire: "tokens stop for the requests of this rank; new ones are still given to it",
    metrics: "the series of this `engine` keep their values, those of the others move",
    outcome: stalled(["engine-hung"], "the requests of this rank and no others"),
    actions: (p) => [{ _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "Hang", ranks: p.rank } }]
  }),
  entry({
    name: "short-hang",
    summary: "The engine's loop stops for half a minute and goes on.",
    scope: "server",
    parameters: { "after-tokens": afterTokens },
    trigger: { for: 30 },
    wire: "a silence, then the answer goes on",
    metrics: `${frozen} meanwhile`,
    outcome: slowly("any", "not killed"),
    actions: (p) => [{ _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "Hang", ranks: "all" } }]
  }),
  entry({
    name: "long-hang",
    summary: "The engine's loop stops for more than three minutes and goes on.",
    scope: "server",
    parameters: { "after-tokens": afterTokens },
    trigger: { for: 200 },
    wire: "a silence; who still listens gets the rest of the answer",
    metrics: `${frozen} meanwhile; then aborts are read and everything moves again`,
    outcome: stalled(
      ["engine-hung"],
      "the retry waits for the gate and completes; no token of the first attempt counts"
    ),
    actions: (p) => [{ _tag: "Trigger", when: atToken(p["after-tokens"]), action: { _tag: "Hang", ranks: "all" } }]
  }),
  entry({
    name: "first-request-pause",
    summary: "The engine compiles for 40 seconds on its first request.",
    scope: "server",
    trigger: { request: 1, for: 40 },
    wire: "headers, and the first token late",
    metrics: `${frozen} meanwhile`,
    outcome: slowly("prefill"),
    actions: () => [{ _tag: "Trigger", when: "admitted", action: { _tag: "Hang", ranks: "all" } }]
  }),
  entry({
    name: "mass-hang",
    summary: "The engine's loop stops as soon as many requests are open.",
    scope: "server",
    parameters: { streams: count(1000, "open requests that it takes", 1) },
    example: "mass-hang:streams=200",
    wire: "all streams are silent at once",
    metrics: frozen,
    outcome: stalled(["engine-hung"], "one gate and one alarm for all; bounded work for who watches"),
    actions: (p) => [{
      _tag: "Trigger",
      when: "admitted",
      openRequests: p.streams,
      action: { _tag: "Hang", ranks: "all" }
    }]
  }),
  entry({
    name: "request-lost",
    summary: "The engine forgets one request and works on for the others.",
    scope: "request",
    parameters: { "after-tokens": afterTokens },
    wire: "tokens stop for this request only",
    metrics: "running + waiting is less than the open requests",
    outcome: stalled(["orphaned", "engine-idle"], "in about 15 s if the engine works for others meanwhile"),
    actions: (p) => [{ _tag: "Lose", afterTokens: p["after-tokens"] }]
  }),
  entry({
    name: "deferred-stuck",
    summary: "A request waits for something outside of the scheduler, for ever or for some time.",
    scope: "request",
    parameters: {
      seconds: seconds(1e9, "how long it is deferred"),
      others: count(0, "requests of other clients meanwhile; with any nobody can know whose is deferred")
    },
    example: "deferred-stuck:seconds=120",
    wire: "headers and nothing else; others get their answers",
    metrics: "num_requests_waiting_by_reason{reason=\"deferred\"} counts it; nothing moves unless others are at work",
    outcome: stalled(["deferred-stuck"], "after 10 minutes", "queued"),
    actions: (p) => [{ _tag: "Hold", reason: "deferred", seconds: p.seconds, others: p.others }]
  }),
  entry({
    name: "long-queue",
    summary: "A request waits in the queue for twelve minutes, others are served.",
    scope: "request",
    parameters: { seconds: seconds(720, "how long it waits"), others },
    wire: "headers, and the first token late",
    metrics: "num_requests_waiting counts it; all other series move",
    outcome: slowly("queued"),
    actions: (p) => [{ _tag: "Hold", reason: "capacity", seconds: p.seconds, others: p.others }]
  }),
  entry({
    name: "long-prefill",
    summary: "The prompt takes ten minutes to compute, in chunks.",
    scope: "request",
    parameters: { seconds: seconds(600, "how long it takes") },
    example: "long-prefill:seconds=90",
    wire: "headers, and the first token late; usage tells a long prompt",
    metrics: "kv_cache_usage_perc moves about once a second, nothing else does",
    outcome: slowly("prefill"),
    actions: (p) => [{ _tag: "Pace", firstTokenSeconds: p.seconds, chunked: true }]
  }),
  entry({
    name: "preemptions",
    summary: "A request loses its place four times, for more than three minutes each.",
    scope: "request",
    parameters: {
      "after-tokens": count(10, "tokens before the first preemption, and between two", 1),
      times: count(4, "preemptions", 1),
      seconds: seconds(200, "how long each of them lasts"),
      others
    },
    wire: "silences in the answer",
    metrics: "num_requests_waiting counts it meanwhile; num_preemptions counts each with the next token after it",
    outcome: slowly("preempted"),
    actions: (p) => [{
      _tag: "Preempt",
      afterTokens: p["after-tokens"],
      times: p.times,
      seconds: p.seconds,
      others: p.others
    }]
  }),
  entry({
    name: "hidden-reasoning",
    summary: "The model reasons for six minutes, and the server does not tell it.",
    scope: "request",
    parameters: { seconds: seconds(360, "how long it reasons") },
    wire: "no chunk at all, then the answer; usage counts all tokens (chat only)",
    metrics: "generation_tokens and inter_token_latency_seconds move all the time",
    outcome: slowly("silent-decoding"),
    actions: (p) => [{ _tag: "HiddenReasoning", seconds: p.seconds }]
  }),
  entry({
    name: "buffered-tool-call",
    summary: "The arguments of a tool call come in one chunk, after five and a half minutes.",
    scope: "request",
    parameters: { seconds: seconds(330, "how long the call is in the making") },
    wire: "no chunk, then one with the whole call (chat only; with return_token_ids empty chunks tell the tokens)",
    metrics: "generation_tokens and inter_token_latency_seconds move all the time",
    outcome: slowly("silent-decoding"),
    actions: (p) => [{ _tag: "BufferedToolCall", seconds: p.seconds }]
  }),
  entry({
    name: "slow-decode",
    summary: "Few tokens per second.",
    scope: "request",
    parameters: { "tokens-per-second": rate(0.2, "how many") },
    example: "slow-decode:tokens-per-second=0.02",
    wire: "a token now and then",
    metrics: "generation_tokens moves with each of them",
    outcome: completed("never stalled; below one token a minute once a canary has measured the engine's step"),
    actions: (p) => [{ _tag: "Pace", gapSeconds: 1 / p["tokens-per-second"] }]
  }),
  entry({
    name: "bursts",
    summary: "Many tokens in one chunk, with long pauses between chunks.",
    scope: "request",
    parameters: { tokens: count(64, "tokens per chunk", 1), every: seconds(20, "time between two chunks") },
    wire: "few large chunks; usage tells the tokens",
    metrics: "generation_tokens rises in steps",
    outcome: completed("tokens counted by usage or token ids, not by chunks"),
    actions: (p) => [{ _tag: "Pace", gapSeconds: p.every, tokensPerStep: p.tokens }]
  }),
  entry({
    name: "drip",
    summary: "One token in 50 seconds, and the answer never ends by itself.",
    scope: "request",
    parameters: { every: seconds(50, "time between two tokens") },
    wire: "a token now and then, until max_tokens",
    metrics: "generation_tokens moves with each of them",
    outcome: slowly("below-rate", "alive until max_tokens; whether that is worth the time is the user's choice"),
    actions: (p) => [{ _tag: "Pace", gapSeconds: p.every }, { _tag: "Endless", text: "and then " }]
  }),
  entry({
    name: "garbage",
    summary: "The model writes nonsense at full speed until it is cut.",
    scope: "request",
    wire: "exclamation marks until max_tokens, finish reason length",
    metrics: "everything moves",
    outcome: completed("with finish reason length; failed as runaway where that was asked for"),
    actions: () => [{ _tag: "Pace", gapSeconds: 0 }, { _tag: "Endless", text: "!" }]
  }),
  entry({
    name: "repetition",
    summary: "The model repeats itself at full speed until it is cut.",
    scope: "request",
    wire: "the same sentence until max_tokens, finish reason length",
    metrics: "everything moves",
    outcome: completed("with finish reason length; failed as runaway where that was asked for"),
    actions: () => [{ _tag: "Pace", gapSeconds: 0 }, { _tag: "Endless", text: "Let me think about this again. " }]
  }),
  entry({
    name: "abort-ignored",
    summary: "The engine goes on with a request whose client has left.",
    scope: "request",
    wire: "nothing: the client is gone; the journal says abort-ignored",
    metrics: "num_requests_running still counts it, and its tokens, until its answer is complete",
    outcome: completed("the attempt ends as it would have; the cancel is recorded as not confirmed"),
    actions: () => [{ _tag: "IgnoreAbort" }]
  })
]
