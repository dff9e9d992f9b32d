/** The gate's reducer: what each input means in each phase, and its laws over random sequences. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Failed } from "../../src/liveness/Failed.ts"
import {
  admits,
  alarmOf,
  defaults,
  type GateInput,
  type GatePhase,
  type GateState,
  initial,
  type RunOutcome,
  step,
  wantsCanary
} from "../../src/liveness/GateStep.ts"
import { rowOf } from "../../src/liveness/RetryTable.ts"
import { runs } from "../support/propertyRuns.ts"
import { allKinds, errorOf, stalled } from "../support/runErrors.ts"

const S = 1000

type Told = GateInput extends infer Each ? Each extends GateInput ? Omit<Each, "at"> : never : never
/** When, and what. */
type Script = ReadonlyArray<readonly [at: number, told: Told]>

const report = (outcome: RunOutcome): Told => ({ _tag: "Reported", outcome })
const began: Told = { _tag: "CanaryBegan" }
const passed: Told = { _tag: "CanaryPassed" }
const absent: Told = { _tag: "CanaryAbsent" }
const notPassed: Told = { _tag: "CanaryFailed", why: "no token has come" }
const tick: Told = { _tag: "Tick" }
const enter = (ticket: number): Told => ({ _tag: "Entered", ticket })
const leave = (ticket: number): Told => ({ _tag: "Left", ticket })

/** Which has been silent for a second. */
const hung = report(stalled("engine-hung", { silentMillis: S }))
const refused = report(errorOf("connect-error"))

const after = (script: Script, state: GateState = initial(0)): GateState =>
  script.reduce((state, [at, told]) => step(state, { ...told, at } as GateInput), state)

/** Opened at 1 s, for the first time. */
const opened: Script = [[0, hung], [0, began], [S, notPassed]]
/** Half-open at 16 s. */
const halfOpened: Script = [...opened, [16 * S, began], [16 * S, passed]]

describe("GateStep", () => {
  it("is closed at first, and lets everything through", () => {
    const state = after([])
    assert.deepInclude(state, { phase: "closed", unconfirmed: 0 })
    assert.isTrue(admits(after([[0, enter(1)], [0, enter(2)]])))
  })

  const gating = [
    "engine-hung",
    "decode-hung",
    "engine-idle",
    "engine-dead",
    "engine-restarted",
    "aborted-by-server",
    "mid-stream-error 5xx"
  ]
  for (const kind of allKinds) {
    it(`${gating.includes(kind) ? "is suspect" : "stays closed"} after ${kind}`, () => {
      const state = after([[0, report(errorOf(kind))]])
      assert.strictEqual(state.phase, gating.includes(kind) ? "suspect" : "closed")
      assert.strictEqual(wantsCanary(state, 0), gating.includes(kind))
    })
  }

  it("does not take an agent's own error for its engine's", () => {
    const own = new Failed({ hop: "purple", tokens: 5, reason: { _tag: "MidStreamError", code: null, detail: "" } })
    assert.strictEqual(after([[0, report(own)]]).phase, "closed")
  })

  it("does not believe a stall that is only inferred", () => {
    const inferred = stalled("decode-hung", { confidence: "inferred" })
    assert.strictEqual(after([[0, report(inferred)]]).phase, "closed")
  })

  it("is suspect after five failed connections in a row", () => {
    const late = report(errorOf("connect-timeout"))
    const four: Script = [[0, refused], [0, late], [0, refused], [0, late]]
    assert.strictEqual(after(four).phase, "closed")
    assert.strictEqual(after([...four, [0, refused]]).phase, "suspect")
    for (const told of [report("began"), report("completed"), report(errorOf("truncated"))]) {
      assert.strictEqual(after([...four, [0, told], [0, refused]]).phase, "closed")
    }
    assert.strictEqual(after([...four, [0, report(errorOf("silent"))], [0, refused]]).phase, "suspect")
  })

  it("asks the canary at once, and only one", () => {
    const suspect = after([[5 * S, hung]])
    assert.deepInclude(suspect, { phase: "suspect", sinceMillis: 5 * S, nextCanaryAtMillis: 5 * S })
    assert.isFalse(admits(suspect))
    const asking = after([[5 * S, began]], suspect)
    assert.deepInclude(asking, { asking: true, nextCanaryAtMillis: null })
    assert.isFalse(wantsCanary(asking, 500 * S))
    // All further causes are the same trouble.
    assert.deepStrictEqual(after([[6 * S, hung], [6 * S, hung]], asking), asking)
  })

  it("opens when the canary fails, with twice the delay each time up to two minutes", () => {
    let state = after([[0, hung]])
    let at = 0
    const delays = [0, 1, 2, 3, 4].map(() => {
      state = after([[at, began], [at + S, notPassed]], state)
      assert.deepInclude(state, { phase: "open", why: "no token has come", sinceMillis: S })
      assert.isFalse(admits(state))
      const due = state.nextCanaryAtMillis!
      assert.isFalse(wantsCanary(state, due - 1))
      assert.isTrue(wantsCanary(state, due))
      const delay = due - at - S
      at = due
      return delay / S
    })
    assert.deepStrictEqual(delays, [15, 30, 60, 120, 120])
  })

  it("lets one battle in when the canary passes, and all with its tokens or its end", () => {
    const state = after(halfOpened)
    assert.deepInclude(state, { phase: "half-open", sinceMillis: 16 * S })
    assert.isTrue(admits(state))
    const probing = after([[17 * S, enter(7)]], state)
    assert.isFalse(admits(probing))
    for (const told of [report("began"), report("completed")]) {
      const closed = after([[20 * S, told]], probing)
      assert.deepInclude(closed, { phase: "closed", sinceMillis: 20 * S, openings: 0, openedMillis: null })
      assert.isTrue(admits(closed))
      // The next trouble begins with the first delay.
      const again = after([[100 * S, hung], [100 * S, began], [101 * S, notPassed]], closed)
      assert.strictEqual(again.nextCanaryAtMillis, 116 * S)
    }
  })

  it("gives the place to the next when a battle leaves it without an answer", () => {
    const probing = after([...halfOpened, [17 * S, enter(7)]])
    assert.isFalse(admits(after([[18 * S, leave(6)]], probing)))
    const free = after([[18 * S, report(errorOf("truncated"))], [18 * S, leave(7)]], probing)
    assert.strictEqual(free.phase, "half-open")
    assert.isTrue(admits(free))
  })

  it("opens again when the battle stalls, or finds nobody", () => {
    for (const told of [hung, refused, report(errorOf("aborted-by-server"))]) {
      const state = after([...halfOpened, [20 * S, enter(7)], [90 * S, told]])
      assert.deepInclude(state, { phase: "open", sinceMillis: 90 * S, nextCanaryAtMillis: 120 * S, openedMillis: S })
      assert.isFalse(admits(state))
    }
  })

  it("is not impressed by stragglers: runs that were silent since before the canary passed", () => {
    const straggler = (silentMillis: number) => report(stalled("engine-hung", { silentMillis }))
    const atNinety = (silentMillis: number) => after([...halfOpened, [90 * S, straggler(silentMillis)]]).phase
    // The canary passed at 16 s.
    assert.deepStrictEqual([atNinety(75 * S), atNinety(74 * S), atNinety(73 * S)], ["half-open", "open", "open"])
    const closed = after([...halfOpened, [20 * S, report("began")]])
    assert.strictEqual(after([[90 * S, straggler(75 * S)]], closed).phase, "closed")
    assert.strictEqual(after([[90 * S, straggler(74 * S)]], closed).phase, "suspect")
  })

  it("takes time for a canary where there is none", () => {
    const opened = after([[0, hung], [0, began], [0, absent]])
    assert.deepInclude(opened, { phase: "open", nextCanaryAtMillis: 15 * S })
    const half = after([[15 * S, began], [15 * S, absent]], opened)
    assert.deepInclude(half, { phase: "half-open" })
    assert.strictEqual(after([[16 * S, enter(1)], [80 * S, hung]], half).nextCanaryAtMillis, 110 * S)
  })

  it("alarms once, five minutes after it first opened", () => {
    const at = (millis: number) => after([[millis, tick]], after(opened))
    assert.deepStrictEqual([at(301 * S - 1).alarmed, at(301 * S).alarmed], [false, true])
    assert.strictEqual(alarmOf(at(301 * S), 301 * S), "no battle could start for 300 s: no token has come")
    // Not while a battle has its chance, but as soon as that is gone.
    const probing = after([...halfOpened, [20 * S, enter(7)], [400 * S, tick]])
    assert.isFalse(probing.alarmed)
    const reopened = after([[401 * S, hung]], probing)
    assert.isTrue(reopened.alarmed)
    assert.isTrue(after([[431 * S, began], [431 * S, passed], [440 * S, tick]], reopened).alarmed)
    // Closing ends it.
    const closed = after([[431 * S, began], [431 * S, passed], [440 * S, report("completed")]], reopened)
    assert.deepInclude(closed, { phase: "closed", alarmed: false })
  })

  it("an endpoint that nobody has tried is suspect until its canary has passed, and then closed", () => {
    const doubted: Script = [[0, { _tag: "Doubted" }], [0, began]]
    assert.isFalse(admits(after(doubted)))
    assert.deepInclude(after([...doubted, [S, passed]]), { phase: "closed", untried: false, openings: 0 })
    assert.deepInclude(after([...doubted, [S, absent]]), { phase: "closed", untried: false })
    assert.deepInclude(after([...doubted, [S, notPassed]]), { phase: "open", untried: false })
    assert.deepInclude(after([...doubted, [S, notPassed], [16 * S, began], [17 * S, passed]]), { phase: "half-open" })
    // Who is in doubt for a reason stays so.
    assert.deepInclude(after([...opened, [2 * S, { _tag: "Doubted" }]]), { phase: "open" })
    assert.deepInclude(after([[0, hung], [0, { _tag: "Doubted" }], [0, began], [S, passed]]), { phase: "half-open" })
  })

  it("counts requests that may still run for nobody, until their process is gone", () => {
    const orphan = report(stalled("engine-hung", { cancel: "unconfirmed" }))
    const state = after([[0, orphan], [0, orphan], [0, hung]])
    assert.strictEqual(state.unconfirmed, 2)
    assert.strictEqual(after([[1, report(stalled("silent", { cancel: "unconfirmed" }))]], state).unconfirmed, 3)
    const closed = after([[1, began], [1, passed], [2, report("completed")]], state)
    assert.deepInclude(closed, { phase: "closed", unconfirmed: 2 })
    assert.strictEqual(after([[3, report(stalled("engine-restarted"))]], closed).unconfirmed, 0)
  })
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Inputs = Schema.Array(Schema.Struct({
  what: Schema.Literals([
    "enter",
    "leave",
    "began",
    "completed",
    "error",
    "gated",
    "gated",
    "canary",
    "canary",
    "passed",
    "failed",
    "absent",
    "doubted",
    "tick"
  ]),
  number: between(0, 30),
  millis: Schema.Union([between(0, 1000), between(1000, 60_000), between(60_000, 300_000)])
})).check(Schema.isMinLength(20), Schema.isMaxLength(100))

/** Random inputs alone seldom get far. */
const scripts = {
  closed: [],
  untried: [[0, { _tag: "Doubted" }], [0, began]],
  suspect: [[0, hung], [0, began]],
  open: opened,
  asked: [...opened, [16 * S, began]],
  "half-open": halfOpened
} as const satisfies Record<string, Script>
const beginnings = ["closed", "untried", "suspect", "open", "asked", "half-open"] as const

const told = ({ number, what }: (typeof Inputs.Type)[number]): Told => {
  const gated = ["engine-hung", "decode-hung", "engine-dead", "aborted-by-server"] as const
  switch (what) {
    case "enter":
      return enter(number)
    case "leave":
      return leave(number)
    case "began":
    case "completed":
      return report(what)
    case "error":
      return report(errorOf(allKinds[number % allKinds.length]!))
    case "gated":
      return report(errorOf(gated[number % gated.length]!, number * S))
    case "canary":
      return began
    case "passed":
      return passed
    case "failed":
      return notPassed
    case "absent":
      return absent
    case "doubted":
      return { _tag: "Doubted" }
    case "tick":
      return tick
  }
}

/** Where each phase may lead to, and by what. */
const allowed: { readonly [From in GatePhase]: { readonly [To in GatePhase]?: ReadonlyArray<Told["_tag"]> } } = {
  closed: { suspect: ["Reported", "Doubted"] },
  suspect: {
    open: ["CanaryFailed", "CanaryAbsent"],
    "half-open": ["CanaryPassed"],
    closed: ["CanaryPassed", "CanaryAbsent"]
  },
  open: { "half-open": ["CanaryPassed", "CanaryAbsent"] },
  "half-open": { open: ["Reported"], closed: ["Reported"] }
}

describe("the laws of the gate", () => {
  const seen = new Set<string>()

  it.prop("hold for any sequence of inputs", [Inputs, Schema.Literals(beginnings)], ([inputs, beginning]) => {
    const script = scripts[beginning]
    let state = after(script)
    let at = Math.max(0, ...script.map(([at]) => at))
    /** Canaries under way. */
    let asking = state.asking ? 1 : 0
    for (const each of inputs) {
      // Mostly a canary is sent when it is due.
      at = each.what === "canary" && each.number > 5
        ? Math.max(at, state.nextCanaryAtMillis ?? 0)
        : at + each.millis
      const input = { ...told(each), at } as GateInput
      // A service sends only what is let in and wanted.
      if (input._tag === "Entered" && !admits(state)) continue
      const before = state
      state = step(state, input)
      if (input._tag === "CanaryBegan" && state.asking && !before.asking) asking++
      if (before.asking && !state.asking) asking--

      if (before.phase !== state.phase) {
        seen.add(`${before.phase} ${state.phase}`)
        assert.include(allowed[before.phase][state.phase] ?? [], input._tag, `${before.phase} to ${state.phase}`)
        if (input._tag === "Reported" && state.phase !== "closed") {
          assert.isTrue(typeof input.outcome === "object" && rowOf(input.outcome).gate !== "no")
        }
      }
      assert.isAtMost(asking, 1)
      assert.strictEqual(state.asking, asking === 1)
      // A canary is under way or due exactly while nobody may start.
      const shut = state.phase === "suspect" || state.phase === "open"
      assert.strictEqual(state.asking || state.nextCanaryAtMillis !== null, shut)
      assert.isFalse(state.asking && state.nextCanaryAtMillis !== null)
      if (shut) assert.isFalse(admits(state))
      if (state.phase === "closed") assert.isTrue(admits(state))
      // At most one has the place of half-open, and while it has, nobody else gets it.
      if (state.probe !== undefined) assert.isTrue(state.phase === "half-open" && !admits(state))
      if (state.nextCanaryAtMillis !== null) {
        assert.isAtMost(state.nextCanaryAtMillis, at + defaults.canaryMostMillis)
      }
      assert.isAtMost(state.sinceMillis, at)
      if (state.phase === "closed") assert.deepInclude(state, { openings: 0, alarmed: false, openedMillis: null })
      if (state.alarmed && !before.alarmed) {
        assert.strictEqual(state.phase, "open")
        assert.isAtLeast(at - state.openedMillis!, defaults.alarmMillis)
      }
      assert.isAtLeast(state.unconfirmed, 0)
    }
  }, runs)

  it("were tried on every change there is", () => {
    const changes = Object.entries(allowed).flatMap(([from, to]) => Object.keys(to).map((each) => `${from} ${each}`))
    assert.deepStrictEqual([...seen].toSorted(), changes.toSorted())
  })
})
