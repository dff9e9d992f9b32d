/**
 * Where a campaign stands, as `campaign status --json` prints it and as the text is made from.
 *
 * The shape is for scripts: names stay, and what is added comes as new names. Times are ISO 8601 in UTC, durations are in
 * milliseconds, and what is not known is `null`. What only a process that runs knows (lanes, breakers, how long an
 * attempt has been quiet) is empty or `null` where none does: what it said before it was gone is not so any more.
 */
import * as DateTime from "effect/DateTime"
import type { AttemptOutlook } from "../campaign/AttemptOutlook.ts"
import type { CampaignStatus } from "../campaign/CampaignStatus.ts"
import { describeLimit } from "../liveness/describeLimit.ts"

/**
 * - `running`: a process plays it. `stopping`: the same, and it begins nothing any more.
 * - `interrupted`: its process is gone without a word, killed for example. `paused`: it was stopped on purpose.
 * - `cancelled`, `ended`: nothing is left to play.
 */
export type Situation = "running" | "stopping" | "interrupted" | "paused" | "cancelled" | "ended"

export interface StatusView {
  readonly campaign: string
  readonly db: string
  readonly situation: Situation
  readonly createdAt: string
  /** The process that runs it now. */
  readonly process: {
    readonly pid: number
    readonly host: string
    readonly since: string
    readonly runningMs: number
  } | null
  /** Why it begins nothing any more. */
  readonly stopping: string | null
  readonly battles: CampaignStatus["battles"] & {
    /** Of those that are pending. */
    readonly inFlight: number
    /** Of those that are scored, 0 to 1. */
    readonly meanScore: number | null
  }
  /** In the order of the plan. */
  readonly cells: ReadonlyArray<CampaignStatus["byTaskAndAgent"][number] & { readonly planned: number }>
  readonly inFlight: ReadonlyArray<{
    readonly task: string
    readonly agent: string
    readonly repetition: number
    readonly attempt: number
    readonly phase: string | null
    readonly tokens: number
    /** Since the last token; `null` before the first one. */
    readonly quietMs: number | null
    readonly runningMs: number | null
    /** The limit that ends its silence if nothing comes; `null` where none does. */
    readonly limitMs: number | null
    /** How much of it has passed: it counts from when somebody last vouched for the attempt. */
    readonly limitUsedMs: number | null
    /** Which limit it is, and how long and why, in words. */
    readonly limitName: string | null
    readonly limit: string | null
    /** What its engine does, and who says so; `null` where nothing is known or nothing has to be. */
    readonly engine: Exclude<AttemptOutlook["engine"], "unknown"> | null
    readonly engineBy: AttemptOutlook["engineBy"]
    /** Why it is called slow. */
    readonly slow: AttemptOutlook["slow"]
    /** What it was found to be where stalls are not ended. */
    readonly stalled: AttemptOutlook["stalled"]
  }>
  readonly lanes: ReadonlyArray<{
    readonly name: string
    readonly inFlight: number
    readonly concurrency: number
    /** How the gate of its engine is shut. */
    readonly gate: string | null
    readonly note: string | null
  }>
  /** Of agents that are not played against as usual. */
  readonly breakers: ReadonlyArray<{ readonly agent: string; readonly state: string; readonly why: string }>
  /** The most frequent reason first. */
  readonly unscored: CampaignStatus["unscored"]
  readonly attempts: CampaignStatus["attempts"]["byVerdict"] & { readonly superseded: number; readonly charged: number }
  readonly epochs: ReadonlyArray<{
    readonly engine: string
    readonly modelId: string
    readonly modelRoot: string | null
    readonly serverStartedAt: string | null
    readonly beganAt: string
  }>
  /** What was asked from other terminals and is not answered yet. */
  readonly requests: ReadonlyArray<{ readonly command: string; readonly askedAt: string; readonly waitingMs: number }>
  /** The command that goes on with it; `null` where somebody runs it or nothing is left. */
  readonly resume: string | null
}

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))

const situationOf = ({ holder, state }: CampaignStatus, stopping: string | null): Situation => {
  if (holder === null) return state === "running" ? "interrupted" : state
  return stopping === null ? "running" : "stopping"
}

/** What is shown of a campaign at `now`, in milliseconds since 1970; `resume` is the command that would go on with it. */
export const statusView = (
  status: CampaignStatus,
  { db, now, resume }: { readonly db: string; readonly now: number; readonly resume: string }
): StatusView => {
  const { battles, holder, inFlight } = status
  // Process numbers come again, so what one said before the present one began is not of it.
  const runner = holder !== null && status.runner?.pid === holder.pid && status.runner.updatedAt >= holder.since
    ? status.runner
    : null
  const since = (millis: number) => Math.max(0, Math.round(now - millis))
  const scores = status.byTaskAndAgent.reduce((sum, { meanScore, scored }) => sum + (meanScore ?? 0) * scored, 0)
  return {
    campaign: status.campaign,
    db,
    situation: situationOf(status, runner?.stopping ?? null),
    createdAt: iso(status.createdAt),
    process: holder === null
      ? null
      : { pid: holder.pid, host: holder.host, since: iso(holder.since), runningMs: since(holder.since) },
    stopping: runner?.stopping ?? null,
    battles: {
      ...battles,
      inFlight: holder === null ? 0 : inFlight.length,
      meanScore: battles.scored === 0 ? null : scores / battles.scored
    },
    cells: status.byTaskAndAgent.map((cell) => ({ ...cell, planned: cell.scored + cell.unscored + cell.pending })),
    inFlight: inFlight.map((
      { agent, lastArrivalMillis, number, outlook, phase, repetition, startedAt, task, tokens }
    ) => ({
      task,
      agent,
      repetition,
      attempt: number,
      phase,
      tokens,
      quietMs: holder === null || lastArrivalMillis === null ? null : since(startedAt + lastArrivalMillis),
      runningMs: holder === null ? null : since(startedAt),
      ...outlookOf(holder === null ? null : outlook, (millis) => since(startedAt + millis))
    })),
    lanes: (runner?.lanes ?? []).map(({ concurrency, gate, inFlight, name, note }) => ({
      name,
      inFlight,
      concurrency,
      gate,
      note
    })),
    breakers: (runner?.breakers ?? []).map(({ agent, state, why }) => ({ agent, state, why })),
    unscored: status.unscored,
    attempts: {
      ...status.attempts.byVerdict,
      superseded: status.attempts.superseded,
      charged: status.attempts.charged
    },
    epochs: status.epochs.map(({ beganAt, engine, modelId, modelRoot, serverStartedAt }) => ({
      engine,
      modelId,
      modelRoot,
      serverStartedAt: serverStartedAt === null ? null : iso(serverStartedAt),
      beganAt: iso(beganAt)
    })),
    requests: status.pendingCommands.map(({ at, command }) => ({
      command: commandNames[command._tag],
      askedAt: iso(at),
      waitingMs: since(at)
    })),
    resume: holder === null && battles.pending > 0 ? resume : null
  }
}

const outlookOf = (outlook: AttemptOutlook | null, sinceOf: (millis: number) => number) => {
  const { engine = "unknown", engineBy = null, limit = null, slow = null, stalled = null } = outlook ?? {}
  return {
    limitMs: limit?.millis ?? null,
    limitUsedMs: limit === null ? null : sinceOf(limit.sinceMillis),
    limitName: limit?.name ?? null,
    limit: limit === null ? null : describeLimit(limit),
    engine: engine === "unknown" ? null : engine,
    engineBy,
    slow,
    stalled
  }
}

const commandNames = { Pause: "pause", PauseNow: "pause --now", Cancel: "cancel", Retry: "retry" } as const
