/**
 * From what a store holds to the rows of an export: pure functions, one for each kind of row.
 *
 * Law: nothing is rounded and nothing is computed that a row of the store does not hold, but for counts, differences of
 * the times of arrivals, and what an error says of itself.
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { AttemptFacts, AttemptInFlight, AttemptTranscript, BattleFacts } from "../../campaign/CampaignFacts.ts"
import type { CampaignHead } from "../../campaign/CampaignFacts.ts"
import type { EngineEpoch } from "../../campaign/EngineEpoch.ts"
import * as TokenTimings from "../../campaign/TokenTimings.ts"
import { kindOf } from "../../liveness/Failed.ts"
import { RunError } from "../../liveness/RunError.ts"
import { version } from "../../version.ts"
import {
  type AttemptRow,
  type BattleRow,
  type CampaignRow,
  type EpochRow,
  exportSchema,
  type TokenRow
} from "./ExportRows.ts"

/** An attempt with what else its rows say: that of its battle, and its token times. */
export interface ExportedAttempt {
  readonly row: AttemptRow
  readonly arrivals: ReadonlyArray<TokenTimings.Arrival>
}

const encodeError = Schema.encodeSync(RunError)

const momentOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))
const maybeMoment = (millis: number | null): string | null => millis === null ? null : momentOf(millis)

export const campaignRow = (campaign: CampaignHead): CampaignRow => {
  const { definition } = campaign
  return {
    schema: exportSchema,
    release: version,
    exported_at: momentOf(campaign.readAt),
    campaign: definition.id,
    state: campaign.state,
    running: campaign.holder?.purpose === "run",
    created_at: momentOf(campaign.createdAt),
    config_hash: campaign.configHash,
    repetitions: definition.repetitions,
    seed: definition.seed,
    stall_policy: definition.stallPolicy,
    hard_cap_ms: definition.hardCapMillis,
    tasks: definition.tasks.map(({ grader, id }) => ({ task: id, grader: grader._tag })),
    agents: definition.agents.map(({ engine, kind, name }) => ({
      agent: name,
      kind: kind._tag,
      engine,
      model: kind._tag === "Model" ? kind.model : null
    }))
  }
}

export const epochRow = (epoch: EngineEpoch): EpochRow => ({
  epoch: epoch.id,
  engine: epoch.engine,
  model_id: epoch.modelId,
  model_root: epoch.modelRoot,
  server_started_at: maybeMoment(epoch.serverStartedAt),
  began_at: momentOf(epoch.beganAt)
})

export const battleRow = (campaign: string, facts: BattleFacts): BattleRow => {
  const { attempts, battle, inFlight, outcome, position, reopenedAfter } = facts
  const grade = outcome._tag === "Scored" ? outcome.grade : undefined
  const counted = attempts.find((attempt) => attempt.counted)
  return {
    campaign,
    task: battle.task,
    agent: battle.agent,
    repetition: battle.repetition,
    position,
    state: stateOf[outcome._tag],
    score: grade?.score ?? null,
    passed: grade?.passed ?? null,
    tests: grade?.tests.length ?? null,
    tests_passed: grade?.tests.filter((test) => test.outcome === "passed").length ?? null,
    explanation: grade?.explanation ?? null,
    reason: outcome._tag === "Unscored" ? outcome.reason : null,
    counted_attempt: outcome._tag === "Pending" || outcome.attempt === 0 ? null : outcome.attempt,
    attempts: attempts.length,
    attempts_charged: attempts.filter(({ charged }) => charged).length,
    attempts_in_flight: inFlight.length,
    reopened_after: reopenedAfter,
    verdict: counted?.verdict ?? null,
    mode: counted?.mode ?? null,
    epoch: counted?.epoch ?? null,
    started_at: maybeMoment(counted?.startedAt ?? null),
    duration_ms: counted?.durationMillis ?? null,
    tokens: counted?.tokens ?? null,
    token_basis: counted?.tokenBasis ?? null,
    ttft_ms: counted?.timeToFirstTokenMillis ?? null,
    tokens_per_second: counted?.tokensPerSecond ?? null
  }
}

const stateOf = { Pending: "pending", Scored: "scored", Unscored: "unscored" } as const

/** `transcript` is left out where it was not asked for. */
export const attemptOf = (
  campaign: string,
  { battle }: Pick<BattleFacts, "battle">,
  attempt: AttemptFacts | AttemptInFlight,
  transcript: AttemptTranscript | undefined
): ExportedAttempt => {
  const arrivals = TokenTimings.decode(attempt.timings)
  const ended = "verdict" in attempt ? attempt : undefined
  const told = "told" in attempt ? attempt.told : null
  const error = ended?.error ?? null
  const { phase, ...errorColumns } = columnsOf(error)
  const row: AttemptRow = {
    campaign,
    task: battle.task,
    agent: battle.agent,
    repetition: battle.repetition,
    attempt: attempt.number,
    attempt_id: attempt.id,
    verdict: ended?.verdict ?? null,
    counted: ended?.counted ?? false,
    superseded: ended?.superseded ?? false,
    charged: ended?.charged ?? false,
    epoch: attempt.epoch,
    mode: ended?.mode ?? null,
    phase: phase ?? told?.phase ?? null,
    started_at: momentOf(attempt.startedAt),
    duration_ms: ended?.durationMillis ?? null,
    tokens: attempt.tokens,
    token_basis: ended?.tokenBasis ?? null,
    prompt_tokens: ended?.promptTokens ?? null,
    finish_reason: ended?.finishReason ?? null,
    ttft_ms: ended === undefined ? arrivals[0]?.atMillis ?? null : ended.timeToFirstTokenMillis,
    tokens_per_second: ended?.tokensPerSecond ?? null,
    arrivals: arrivals.length,
    last_arrival_ms: arrivals.at(-1)?.atMillis ?? null,
    longest_gap_ms: longestGap(arrivals),
    grading: ended?.grading ?? null,
    ...errorColumns,
    error: error === null ? null : encodeError(error),
    ...transcript
  }
  return { row, arrivals }
}

/** One row for each arrival. */
export const tokenRows = ({ arrivals, row }: ExportedAttempt): ReadonlyArray<TokenRow> => {
  let soFar = 0
  return arrivals.map(({ atMillis, tokens }, index) => ({
    campaign: row.campaign,
    task: row.task,
    agent: row.agent,
    repetition: row.repetition,
    attempt: row.attempt,
    attempt_id: row.attempt_id,
    arrival: index + 1,
    at_ms: atMillis,
    gap_ms: index === 0 ? null : between(arrivals[index - 1]!.atMillis, atMillis),
    tokens,
    tokens_so_far: soFar += tokens
  }))
}

/** Times are whole tenths of a millisecond; their difference in binary is not. */
const between = (earlier: number, later: number): number => Math.round((later - earlier) * 10) / 10

const longestGap = (arrivals: ReadonlyArray<TokenTimings.Arrival>): number | null => {
  let longest: number | null = null
  for (let index = 1; index < arrivals.length; index++) {
    const gap = between(arrivals[index - 1]!.atMillis, arrivals[index]!.atMillis)
    if (longest === null || gap > longest) longest = gap
  }
  return longest
}

/** What an error says of itself, in columns. */
const columnsOf = (error: RunError | null) => {
  const none = {
    phase: null,
    error_tag: null,
    error_kind: null,
    error_hop: null,
    error_message: null,
    stall_confidence: null,
    silent_ms: null,
    limit_name: null,
    limit_ms: null,
    limit_origin: null,
    cancel: null
  }
  if (error === null) return none
  const common = { ...none, error_tag: error._tag, error_hop: error.hop, error_message: error.message }
  if (error._tag === "Failed") {
    return { ...common, error_kind: kindOf(error), phase: error.verdict?.phase ?? null }
  }
  return {
    ...common,
    error_kind: error._tag === "Stalled" ? error.kind : error.reason,
    stall_confidence: error._tag === "Stalled" ? error.confidence : null,
    phase: error.phase,
    silent_ms: error.silentMillis,
    limit_name: error.limit.name,
    limit_ms: error.limit.millis,
    limit_origin: error.limit.origin,
    cancel: error.cancel
  }
}
