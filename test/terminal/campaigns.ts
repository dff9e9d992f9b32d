// Generated campaigns: event streams as a runner would make them, with names and reasons that are hard to draw.
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { type Battle, type Outcome, plan } from "../../src/campaign/Battle.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import { fixed } from "../../src/campaign/Concurrency.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import { fromTests, unusable } from "../../src/grading/Grade.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Phase } from "../../src/liveness/Phase.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import * as CampaignView from "../../src/terminal/CampaignView.ts"

export const nastyNames = [
  "roman-numerals",
  "x",
  "a task with spaces = and \"quotes\"",
  "ローマ数字に変換する関数を書いてください",
  "한국어로 된 아주 긴 과제 이름입니다 정말로 길어요",
  "👩‍👩‍👧‍👦🏳️‍🌈🇨🇭👍🏽 emoji 🤯🤯🤯🤯🤯🤯🤯🤯",
  "\u001b[31mred\u001b[0m and \u001b]0;title\u0007 more",
  "line\nbreak\ttab\rreturn\u2028separator",
  "e\u0301\u0302\u0303\u0304 combining \u0301\u0301",
  "\u202eright to left\u202c \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0600",
  "लंबा देवनागरी कार्य का नाम क्षत्रिय",
  "\ud83d lone surrogates \udc00",
  "w".repeat(300),
  "🤯".repeat(100),
  "\u200b\u2060\ufeff"
]

const taskOf = (id: string): Definition["tasks"][number] => ({
  id,
  prompt: "prompt",
  grader: { _tag: "JavaScriptTests", functionName: "f", tests: [{ arguments: [], expected: 1 }] }
})

export const definitionOf = (
  [first, ...others]: readonly [string, ...ReadonlyArray<string>],
  options: { readonly repetitions?: number; readonly concurrency?: number } = {}
): Definition => ({
  id: "campaign",
  engines: [],
  agents: [{
    name: "agent",
    engine: null,
    concurrency: null,
    following: asItCan,
    kind: { _tag: "Agent", address: { url: "http://agent/", tokenVariable: null, command: null } }
  }],
  tasks: [taskOf(first), ...others.map(taskOf)],
  repetitions: options.repetitions ?? 2,
  concurrency: fixed(options.concurrency ?? 4),
  seed: 1,
  policy: defaultPolicy,
  judge: null,
  limits: defaults,
  stallPolicy: "enforce",
  hardCapMillis: null
})

export const began = (
  definition: Definition,
  outcomeOf: (battle: Battle, index: number) => Outcome = () => ({ _tag: "Pending" })
): Extract<CampaignEvent, { _tag: "CampaignBegan" }> => ({
  _tag: "CampaignBegan",
  atMillis: 0,
  definition,
  battles: plan(definition).map((battle, index) => ({ battle, outcome: outcomeOf(battle, index) }))
})

export const scoredOutcome = (passed: number, of: number): Outcome => ({
  _tag: "Scored",
  grade: fromTests(Array.from({ length: of }, (_, index) => ({
    outcome: index < passed ? "passed" as const : "wrong-value" as const
  }))),
  attempt: 1
})

export const recordOf = (battle: Battle, values: Partial<AttemptRecord> = {}): AttemptRecord => ({
  battle,
  number: 1,
  mode: "stream",
  verdict: "completed",
  error: null,
  startedAt: 0,
  durationMillis: 3_000,
  tokens: 120,
  tokenBasis: "deltas",
  promptTokens: null,
  finishReason: "stop",
  timeToFirstTokenMillis: 400,
  tokensPerSecond: 40,
  content: "",
  reasoning: "",
  timings: new Uint8Array(),
  charged: true,
  epoch: null,
  grading: null,
  outcome: scoredOutcome(2, 2),
  ...values
})

/** A stall that was proved. */
export const hung = () =>
  new Stalled({
    hop: "engine",
    kind: "engine-hung",
    confidence: "proved",
    phase: "decoding",
    tokens: 3,
    silentMillis: 62_000,
    limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null },
    circumstances: {
      run: { hop: "engine", attempt: 1, endpoint: "http://engine", model: "m" },
      decidedBy: "evidence",
      atMillis: 70_000,
      phases: [],
      gapsMillis: [],
      limits: [],
      evidence: { binding: "proven", frozenMillis: 60_000, samples: [] }
    },
    cancel: "unconfirmed"
  })

export const lost = (detail: string) =>
  new Failed({ hop: "engine", reason: { _tag: "ConnectionLost", detail }, tokens: 3 })

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** One decision of the generated runner. */
const Move = Schema.Struct({
  what: between(0, 9),
  which: between(0, 1_000),
  amount: between(0, 300),
  afterMillis: between(0, 3_000)
})

export interface Script {
  readonly names: readonly [string, ...ReadonlyArray<string>]
  readonly repetitions: number
  readonly concurrency: number
  readonly begun: number
  readonly moves: ReadonlyArray<typeof Move.Type>
}

export const Script: Arbitrary.Arbitrary<Script> = Arbitrary.all({
  names: Arbitrary.schema(Schema.NonEmptyArray(Schema.Literals(nastyNames))),
  repetitions: Arbitrary.schema(between(1, 12)),
  concurrency: Arbitrary.schema(between(1, 40)),
  begun: Arbitrary.schema(between(0, 40)),
  moves: Arbitrary.array(Arbitrary.schema(Move), { maxLength: 150 })
})

const phases = Phase.literals
const outcomes: ReadonlyArray<(reason: string) => Outcome> = [
  () => scoredOutcome(3, 3),
  () => scoredOutcome(1, 3),
  (reason) => ({ _tag: "Scored", grade: unusable(3, reason), attempt: 1 }),
  (reason) => ({ _tag: "Unscored", reason, attempt: 1 })
]

/** The events of a runner that decides by the script; most campaigns have no end. */
export const eventsOf = ({ begun, concurrency, moves, names, repetitions }: Script): ReadonlyArray<CampaignEvent> => {
  const definition = definitionOf([...new Set(names)] as [string, ...Array<string>], { concurrency, repetitions })
  const first = began(definition, (_, index) => index % 7 === 3 ? scoredOutcome(index % 4, 4) : { _tag: "Pending" })
  const events: Array<CampaignEvent> = [first]
  const waiting = first.battles.filter(({ outcome }) => outcome._tag === "Pending").map(({ battle }) => ({
    battle,
    number: 1
  }))
  const flying: Array<{ battle: Battle; number: number; tokens: number }> = []
  let atMillis = 0
  const launch = () => {
    const next = flying.length < concurrency ? waiting.shift() : undefined
    if (next === undefined) return
    flying.push({ ...next, tokens: 0 })
    events.push({ _tag: "AttemptBegan", atMillis, ...next })
  }
  for (let index = 0; index < begun; index++) launch()
  for (const { afterMillis, amount, what, which } of moves) {
    atMillis += afterMillis
    const index = which % Math.max(1, flying.length)
    const attempt = flying[index]
    if (attempt === undefined || what === 0) launch()
    else if (what <= 6) {
      attempt.tokens += amount
      const phase = phases[(which + amount) % phases.length]!
      events.push({
        _tag: "TokensArrived",
        atMillis,
        battle: attempt.battle,
        phase,
        tokens: attempt.tokens,
        arrived: amount
      })
    } else {
      flying.splice(index, 1)
      const { battle, number, tokens } = attempt
      const reason = nastyNames[amount % nastyNames.length]!.repeat(3)
      const retries = what === 7
      events.push({
        _tag: "AttemptEnded",
        atMillis,
        record: recordOf(battle, {
          number,
          tokens,
          durationMillis: which * 100,
          tokensPerSecond: amount === 0 ? null : amount,
          error: retries ? lost(reason) : null,
          verdict: retries ? "failed" : "completed",
          outcome: retries ? { _tag: "Pending" } : outcomes[which % outcomes.length]!(reason)
        })
      })
      if (!retries) continue
      waiting.push({ battle, number: number + 1 })
      events.push({ _tag: "RetryWaits", atMillis, battle, delayMillis: amount * 20 })
    }
  }
  return events
}

export const viewOf = (events: ReadonlyArray<CampaignEvent>): CampaignView.CampaignView =>
  events.reduce(CampaignView.step, CampaignView.initial)

/** The time of the last event. */
export const endOf = (events: ReadonlyArray<CampaignEvent>): number => events.at(-1)?.atMillis ?? 0
