/**
 * Writes the store of a finished campaign as its runner would have left it, without playing it.
 *
 * Two agents, a hundred tasks. One attempt in twenty hung and one in fifty failed before the one that counts; one battle
 * in two hundred has no score. Tokens come 20 ms apart on average, with a long tail; answers are four characters a token.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { DatabaseSync } from "node:sqlite"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { Failed, FailReason } from "../../src/liveness/Failed.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { RunError } from "../../src/liveness/RunError.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { taskOf } from "../campaign/plannedCampaign.ts"

const TASKS = 100
const AGENTS = ["first", "second"] as const
const BEGAN = 1_795_000_000_000

export interface StoreOptions {
  readonly file: string
  /** A few more are written, so that every task and agent has equally many. */
  readonly battles: number
  readonly tokens: number
}

/** Numbers between 0 and 1, the same in every run (Mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed
  return () => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

const definitionOf = (repetitions: number): Definition => ({
  id: "bench",
  tasks: [taskOf(0), ...Array.from({ length: TASKS - 1 }, (_, index) => taskOf(index + 1))],
  engines: [{ name: "engine", url: null, keyVariable: null, concurrency: null, onModelChange: "stop" }],
  agents: [agentOf(AGENTS[0]), agentOf(AGENTS[1])],
  judge: null,
  repetitions,
  concurrency: { _tag: "Fixed", battles: 16 },
  seed: 1,
  policy: defaultPolicy,
  limits: defaults,
  stallPolicy: "enforce",
  hardCapMillis: null
})

const agentOf = (name: string): Definition["agents"][number] => ({
  name,
  engine: "engine",
  concurrency: null,
  following: asItCan,
  kind: { _tag: "Model", model: null, maxTokens: 4096 }
})

const encodeError = Schema.encodeSync(Schema.fromJsonString(RunError))

const hung = (tokens: number): string =>
  encodeError(
    new Stalled({
      hop: "engine",
      kind: "engine-hung",
      confidence: "proved",
      phase: "decoding",
      tokens,
      silentMillis: 60_500,
      limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null },
      cancel: "confirmed",
      circumstances: {
        run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" },
        decidedBy: "evidence",
        atMillis: 64_000,
        phases: [{ phase: "connecting", sinceMillis: 0 }, { phase: "decoding", sinceMillis: 200 }],
        gapsMillis: Array.from({ length: 16 }, (_, index) => 20 + index),
        limits: [{ name: "frozen", millis: 60_000, origin: "floor", learning: null }],
        evidence: {
          binding: "proven",
          frozenMillis: 60_100,
          samples: [{ atMillis: 60_000, outcome: "ok", sample: null }, {
            atMillis: 62_000,
            outcome: "ok",
            sample: null
          }]
        }
      }
    })
  )

const failed = encodeError(new Failed({ hop: "engine", reason: FailReason.cases.Truncated.make({}), tokens: 3 }))

/** Gives the number of attempts. */
export const writeStore = Effect.fnUntraced(function*({ battles, file, tokens }: StoreOptions) {
  const repetitions = Math.ceil(battles / TASKS / AGENTS.length)
  yield* CampaignStore.use((store) => store.create(definitionOf(repetitions), "bench")).pipe(
    Effect.provide(CampaignStore.layer({ filename: file, create: true }))
  )
  return yield* Effect.sync(() => fill(file, tokens))
})

const fill = (file: string, tokens: number): number => {
  const database = new DatabaseSync(file)
  const random = randomFrom(1)
  const insert = database.prepare(
    `INSERT INTO attempt (battle_id, number, epoch_id, started_at, verdict, counted, charged, duration_ms, tokens,
      token_basis, prompt_tokens, finish_reason, ttft_ms, tokens_per_second, error, content, timings)
    VALUES (?, ?, 1, ?, ?, ?, 1, ?, ?, 'usage', 50, ?, ?, ?, ?, ?, ?)`
  )
  const scored = database.prepare(
    "UPDATE battle SET state = 'scored', score = ?, grade = ?, counted_attempt = ? WHERE battle_id = ?"
  )
  const unscored = database.prepare(
    "UPDATE battle SET state = 'unscored', reason = 'no attempt is left', counted_attempt = ? WHERE battle_id = ?"
  )
  const content = "abc ".repeat(tokens)
  let attempts = 0

  const attempt = (battle: number, number: number, verdict: "completed" | "stalled" | "failed", counted: boolean) => {
    const length = verdict === "completed" ? tokens : Math.ceil(tokens * random())
    let atMillis = 150 - 400 * Math.log(1 - random())
    const arrivals = Array.from(
      { length },
      () => ({ atMillis: atMillis += 10 - 10 * Math.log(1 - random()), tokens: 1 })
    )
    const [first, last] = [arrivals[0]!.atMillis, arrivals.at(-1)!.atMillis]
    insert.run(
      battle,
      number,
      BEGAN + attempts++ * 500,
      verdict,
      counted ? 1 : 0,
      last + (verdict === "stalled" ? 61_000 : 30),
      length,
      verdict === "completed" ? "stop" : null,
      first,
      last > first ? (length - 1) / (last - first) * 1000 : null,
      verdict === "stalled" ? hung(length) : verdict === "failed" ? failed : null,
      content.slice(0, length * 4),
      TokenTimings.encode(arrivals)
    )
  }

  database.exec("BEGIN")
  database.prepare("INSERT INTO engine_epoch (engine, model_id, began_at) VALUES ('engine', 'm', ?)").run(BEGAN)
  for (const { battle_id } of database.prepare("SELECT battle_id FROM battle ORDER BY position").all()) {
    const battle = Number(battle_id)
    let number = 1
    if (random() < 0.05) attempt(battle, number++, "stalled", false)
    if (random() < 0.02) attempt(battle, number++, "failed", false)
    const hasScore = random() >= 0.005
    attempt(battle, number, hasScore ? "completed" : "failed", true)
    if (!hasScore) {
      unscored.run(number, battle)
      continue
    }
    const passed = random() < 0.7
    const grade = { score: passed ? 1 : 0.25, passed, tests: [], explanation: "as expected" }
    scored.run(grade.score, JSON.stringify(grade), number, battle)
  }
  database.exec("UPDATE campaign SET state = 'ended'; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
  database.close()
  return attempts
}
