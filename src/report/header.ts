/**
 * Which campaign a report is of, who is in it, and of which time.
 */
import { createHash } from "node:crypto"
import type { CampaignHead } from "../campaign/CampaignFacts.ts"
import { canonicalJson, graderIdentity, judgeIdentity } from "../campaign/config/configHash.ts"
import type { Definition } from "../campaign/Definition.ts"
import { version } from "../version.ts"
import { attemptsOf, type BattleRow } from "./CampaignRows.ts"
import type { Header, ReportedAgent, ReportedTask } from "./Report.ts"

/** Of a SHA-256 in hexadecimal: enough for tasks of one name. */
const FINGERPRINT_DIGITS = 16

/** `file` is what the store is called to whoever reads the report. */
export const headerOf = (rows: ReadonlyArray<BattleRow>, head: CampaignHead, file: string): Header => {
  const { configHash, createdAt, definition, holder, readAt, state } = head
  const attempts = attemptsOf(rows)
  const times = [...attempts, ...rows.flatMap(({ inFlight }) => inFlight)]
    .map(({ durationMillis, startedAt }) => ({ from: startedAt, to: startedAt + durationMillis }))
    .toSorted((left, right) => left.from - right.from)
  return {
    campaign: definition.id,
    file,
    state,
    isRunning: holder !== null,
    configHash,
    release: version,
    asOf: readAt,
    createdAt,
    firstAttemptAt: times[0]?.from ?? null,
    lastAttemptEndedAt: attempts.reduce<number | null>(
      (last, { durationMillis, startedAt }) => Math.max(last ?? 0, startedAt + durationMillis),
      null
    ),
    activeMillis: lengthOfUnion(times),
    agents: definition.agents.map(agentOf),
    tasks: definition.tasks.map((task) => taskOf(task, definition)),
    repetitions: definition.repetitions,
    seed: definition.seed,
    stallPolicy: definition.stallPolicy,
    hardCapMillis: definition.hardCapMillis
  }
}

/** Of times in the order of their beginnings. */
const lengthOfUnion = (times: ReadonlyArray<{ readonly from: number; readonly to: number }>): number => {
  let length = 0
  let until = -Infinity
  for (const { from, to } of times) {
    length += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return length
}

const agentOf = ({ engine, kind, name }: Definition["agents"][number]): ReportedAgent => ({
  name,
  kind: kind._tag,
  engine,
  model: kind._tag === "Model" ? kind.model : null
})

const taskOf = (task: Definition["tasks"][number], { judge }: Definition): ReportedTask => ({
  id: task.id,
  grader: task.grader._tag,
  fingerprint: createHash("sha256")
    .update(canonicalJson({
      prompt: task.prompt,
      grader: graderIdentity(task),
      judge: task.grader._tag === "ModelGraded" ? judgeIdentity({ judge }) : null
    }))
    .digest("hex")
    .slice(0, FINGERPRINT_DIGITS)
})
