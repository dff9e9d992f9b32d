/**
 * The names of our spans, their attributes and their events, in one place.
 *
 * Where OpenTelemetry has a name, it is used: the GenAI conventions (open-telemetry/semantic-conventions-genai,
 * docs/gen-ai/gen-ai-spans.md and gen-ai-agent-spans.md), their page on A2A (docs/gen-ai/a2a.md), and the general
 * attributes `server.*`, `error.*` and `http.*`. All GenAI names have the status Development there and may still change.
 * What no convention knows has a name of ours, below `a2a_campaign.`; times are in seconds.
 *
 * Law: no name stands for the content of a prompt or an answer, nor for a header, a token or the query of a URL.
 */

/** Names of spans; `chat` is followed by the model, `invoke_agent` by what the agent is to us: purple or green. */
export const Span = {
  campaign: "campaign",
  battle: "battle",
  attempt: "attempt",
  invokeAgent: "invoke_agent",
  chat: "chat",
  grade: "grade"
} as const

/** Names of attributes. */
export const Attribute = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  requestMaxTokens: "gen_ai.request.max_tokens",
  requestStream: "gen_ai.request.stream",
  finishReasons: "gen_ai.response.finish_reasons",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  conversation: "gen_ai.conversation.id",
  agentName: "gen_ai.agent.name",
  a2aMethod: "a2a.method.name",
  a2aMessage: "a2a.message.id",
  a2aTask: "a2a.task.id",
  a2aState: "a2a.task.state",
  a2aTenant: "a2a.tenant",
  a2aVersion: "a2a.protocol.version",
  serverAddress: "server.address",
  serverPort: "server.port",
  errorType: "error.type",
  httpStatus: "http.response.status_code",
  /** What the other side is to us: engine, purple or green. */
  hop: "a2a_campaign.hop",
  campaign: "a2a_campaign.campaign.id",
  battles: "a2a_campaign.campaign.battles",
  campaignEnd: "a2a_campaign.campaign.end",
  task: "a2a_campaign.battle.task",
  agent: "a2a_campaign.battle.agent",
  repetition: "a2a_campaign.battle.repetition",
  outcome: "a2a_campaign.battle.outcome",
  score: "a2a_campaign.battle.score",
  attempts: "a2a_campaign.battle.attempts",
  attempt: "a2a_campaign.attempt.number",
  charged: "a2a_campaign.attempt.charged",
  mode: "a2a_campaign.attempt.mode",
  epoch: "a2a_campaign.attempt.epoch",
  grader: "a2a_campaign.grade.grader",
  /** The id of a request in the logs of its engine. */
  request: "a2a_campaign.request.id",
  /** How the tap sees an answer: as a stream, whole, or as a stream that it puts together. */
  tapMode: "a2a_campaign.tap.mode",
  /** Why the tap knows of no battle that a call belongs to. */
  tapUnattributed: "a2a_campaign.tap.unattributed",
  /** alive, slow, stalled, failed, completed or cancelled. */
  verdict: "a2a_campaign.verdict",
  /** Why: the kind of a stall or a failure, the reason of slowness. */
  verdictReason: "a2a_campaign.verdict.reason",
  /** Which hop has decided. */
  verdictHop: "a2a_campaign.verdict.hop",
  /** Tokens that had come there. */
  verdictTokens: "a2a_campaign.verdict.tokens",
  /** Whether a stall is proved or inferred. */
  confidence: "a2a_campaign.verdict.confidence",
  phase: "a2a_campaign.phase",
  tokens: "a2a_campaign.tokens",
  silence: "a2a_campaign.silence",
  limit: "a2a_campaign.limit.name",
  limitSeconds: "a2a_campaign.limit.seconds",
  /** Whether the evidence is of the engine that really serves the run. */
  binding: "a2a_campaign.evidence.binding",
  cancel: "a2a_campaign.cancel",
  gate: "a2a_campaign.gate.state",
  gateOf: "a2a_campaign.gate.of",
  /** How long something that is to be tried again waits, or has waited. */
  delay: "a2a_campaign.delay"
} as const

/** Names of events on spans. */
export const Event = {
  /** On the span of a call, and wherever its watch stands: what was found of the run. */
  verdict: "a2a_campaign.verdict",
  /** On a battle: it will be tried again. */
  retry: "a2a_campaign.retry",
  /** On a battle: so long it has waited for the gate of its engine and the breaker of its agent. */
  waited: "a2a_campaign.waited",
  /** On a campaign: a gate or a breaker has changed its state. */
  gate: "a2a_campaign.gate"
} as const
