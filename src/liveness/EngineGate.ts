/**
 * The gate of every endpoint: all battles of a process start through it, and wait together while an engine is not well.
 *
 * The decisions are those of GateStep.ts; here are the line of those who wait, the one fiber per endpoint that sends
 * canaries while its gate is shut, and the events for displays and logs.
 *
 * Laws: who came first starts first; whoever is interrupted while waiting loses nobody's place; nobody starts while the
 * gate is suspect or open, because who is first in line looks at the gate in the very moment in which it starts.
 *
 * Gotcha: report what this endpoint did, and under its name. A green agent that refuses connections says nothing about
 * the engine behind it.
 *
 * `layerNone` is the gate that is always closed: everything may start.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Canary, CanaryOutcome } from "./Canary.ts"
import * as GateStep from "./GateStep.ts"
import { CurrentPolicy } from "./LivenessPolicy.ts"

export { Canary, CanaryOutcome } from "./Canary.ts"
export type { GateLimits, GatePhase, RunOutcome } from "./GateStep.ts"

/** A gate as displays show it. Times are those of the monotonic clock, in milliseconds. */
export interface GateView {
  /** Whose gate it is: the base URL of an engine, or the name of an agent. */
  readonly endpoint: string
  /** `closed`: requests flow. `suspect`: the canary is asked. `open`: nobody starts. `half-open`: one tries. */
  readonly state: GateStep.GatePhase
  /** Since when it is so. */
  readonly sinceMillis: number
  /** What made it so, as a clause. */
  readonly why: string
  /** Suspect only because nobody has tried it yet. */
  readonly untried: boolean
  /** When the next canary is sent; `null` where none is due. */
  readonly nextCanaryAtMillis: number | null
  /** Requests that may still run in the engine for nobody. */
  readonly unconfirmed: number
  /** When it first opened since it was closed. */
  readonly openedMillis: number | null
  /** Whether the next battle may start. */
  readonly admits: boolean
}

/** What happens at a gate. */
export type GateEvent =
  /** The gate is in another state, or its next canary is due at another time. */
  | (GateView & { readonly _tag: "GateChanged" })
  /** The gate has been open for so long that somebody should look; told once until it closes. */
  | (GateView & { readonly _tag: "OperatorNeeded"; readonly message: string })

interface Waiter {
  readonly ticket: number
  /** Done when it shall look again; another one for each time it waits. */
  turn: Deferred.Deferred<void>
}

interface Gate {
  readonly endpoint: string
  state: GateStep.GateState
  /** In the order in which they came. */
  readonly line: Array<Waiter>
  /** A fiber sends canaries. */
  driven: boolean
}

const EVENTS_KEPT = 256

const viewOf = ({ endpoint, state }: Pick<Gate, "endpoint" | "state">): GateView => ({
  endpoint,
  state: state.phase,
  sinceMillis: state.sinceMillis,
  why: state.why,
  untried: state.untried,
  nextCanaryAtMillis: state.nextCanaryAtMillis,
  unconfirmed: state.unconfirmed,
  openedMillis: state.openedMillis,
  admits: GateStep.admits(state)
})

/** Gates that ask the canary; for services of this shape. What the options leave out is the policy's in force. */
export const make = Effect.fnUntraced(function*(options: Partial<GateStep.GateLimits>) {
  const limits = { ...GateStep.defaults, ...(yield* CurrentPolicy).gate, ...options }
  const canary = yield* Canary
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const events = yield* PubSub.sliding<GateEvent>(EVENTS_KEPT)
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const gates = new Map<string, Gate>()
  let tickets = 0

  const gateOf = (endpoint: string): Gate => {
    const known = gates.get(endpoint)
    if (known !== undefined) return known
    const gate: Gate = { endpoint, state: GateStep.initial(now()), line: [], driven: false }
    gates.set(endpoint, gate)
    return gate
  }

  /** Lets the first in line look whether it may start. */
  const callFirst = ({ line: [first] }: Gate) => {
    if (first !== undefined) Deferred.doneUnsafe(first.turn, Exit.void)
  }

  const tell = (gate: Gate, input: GateStep.GateInput) => {
    const before = gate.state
    gate.state = GateStep.step(before, input, limits)
    const { alarmed, nextCanaryAtMillis, phase } = gate.state
    if (phase !== before.phase || nextCanaryAtMillis !== before.nextCanaryAtMillis) {
      PubSub.publishUnsafe(events, { _tag: "GateChanged", ...viewOf(gate) })
    }
    if (alarmed && !before.alarmed) {
      const message = GateStep.alarmOf(gate.state, input.at)
      PubSub.publishUnsafe(events, { _tag: "OperatorNeeded", ...viewOf(gate), message })
    }
    callFirst(gate)
  }

  const ask = (endpoint: string): Effect.Effect<CanaryOutcome> => {
    const failed = (why: string) => CanaryOutcome.cases.Failed.make({ why })
    return canary.check(endpoint).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(limits.canaryPatienceMillis),
        orElse: () => Effect.succeed(failed("the canary has not come back"))
      }),
      Effect.catchDefect((defect) => Effect.succeed(failed(`the canary has died: ${String(defect)}`)))
    )
  }

  const tellOutcome = (gate: Gate, outcome: CanaryOutcome) => {
    const at = now()
    switch (outcome._tag) {
      case "Passed":
        return tell(gate, { _tag: "CanaryPassed", at })
      case "Failed":
        return tell(gate, { _tag: "CanaryFailed", at, why: outcome.why })
      case "Absent":
        return tell(gate, { _tag: "CanaryAbsent", at })
    }
  }

  /** Sends canaries when they are due, until none is waited for. */
  const drive = Effect.fnUntraced(function*(gate: Gate) {
    while (true) {
      const due = gate.state.nextCanaryAtMillis
      if (due === null) {
        gate.driven = false
        return
      }
      yield* Effect.sleep(Duration.millis(Math.max(0, due - now())))
      tell(gate, { _tag: "CanaryBegan", at: now() })
      // A timer may be early.
      if (!gate.state.asking) continue
      tellOutcome(gate, yield* ask(gate.endpoint))
      if (gate.state.openings === 1 && gate.state.phase === "open") {
        yield* Effect.forkIn(
          Effect.delay(Effect.sync(() => tell(gate, { _tag: "Tick", at: now() })), alarmDelay),
          scope
        )
      }
    }
  })
  const alarmDelay = Duration.millis(limits.alarmMillis)

  /** Tells something after which a canary may be wanted. */
  const letIn = (endpoint: string, inputAt: (at: number) => GateStep.GateInput) =>
    Effect.uninterruptible(Effect.suspend(() => {
      const gate = gateOf(endpoint)
      tell(gate, inputAt(now()))
      if (gate.driven || gate.state.nextCanaryAtMillis === null) return Effect.void
      gate.driven = true
      return Effect.asVoid(Effect.forkIn(drive(gate), scope))
    }))

  const report = (endpoint: string, outcome: GateStep.RunOutcome) =>
    letIn(endpoint, (at) => ({ _tag: "Reported", at, outcome }))

  const doubt = (endpoint: string) => letIn(endpoint, (at) => ({ _tag: "Doubted", at }))

  const enter = (endpoint: string): Effect.Effect<void, never, Scope.Scope> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const gate = gateOf(endpoint)
        const waiter: Waiter = { ticket: ++tickets, turn: Deferred.makeUnsafe() }
        gate.line.push(waiter)
        const stepOut = Effect.sync(() => {
          gate.line.splice(gate.line.indexOf(waiter), 1)
          callFirst(gate)
        })
        while (gate.line[0] !== waiter || !GateStep.admits(gate.state)) {
          waiter.turn = Deferred.makeUnsafe()
          // Who waits is woken in the middle of whatever called it; that shall be over first.
          const called = Effect.andThen(Deferred.await(waiter.turn), Effect.yieldNow)
          yield* Effect.onInterrupt(restore(called), () => stepOut)
        }
        gate.line.shift()
        tell(gate, { _tag: "Entered", at: now(), ticket: waiter.ticket })
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => tell(gate, { _tag: "Left", at: now(), ticket: waiter.ticket }))
        )
      })
    )

  return EngineGate.of({
    enter,
    doubt,
    report,
    state: (endpoint) => Effect.sync(() => viewOf(gateOf(endpoint))),
    changes: Stream.fromPubSub(events)
  })
})

/**
 * The gate of every endpoint. `enter` it around each battle or request, in a scope that lasts as long as that, and `report`
 * what became of it.
 */
export class EngineGate extends Context.Service<EngineGate, {
  /** Waits until a battle may start at the endpoint, and holds its place there until the scope closes. */
  readonly enter: (endpoint: string) => Effect.Effect<void, never, Scope.Scope>
  /** Asks the canary before the first battle starts there. */
  readonly doubt: (endpoint: string) => Effect.Effect<void>
  /**
   * What became of a battle there: `began` once, when at least two tokens of it have come (the first one comes from
   * prefill alone), and its error or `completed` when it has ended, before its place is given back.
   */
  readonly report: (endpoint: string, outcome: GateStep.RunOutcome) => Effect.Effect<void>
  /** How the gate of an endpoint stands now. */
  readonly state: (endpoint: string) => Effect.Effect<GateView>
  /** What happens from now on, at all endpoints; who is very slow misses the oldest. */
  readonly changes: Stream.Stream<GateEvent>
}>()("a2a-campaign/EngineGate") {
  /** Gates that ask the `Canary` of the context; limits that are not given have their defaults. */
  static readonly layer = (
    limits: Partial<GateStep.GateLimits> = {}
  ): Layer.Layer<EngineGate, never, Canary> => Layer.effect(EngineGate, make(limits))

  /** Everything may start at any time. */
  static readonly layerNone: Layer.Layer<EngineGate> = Layer.succeed(EngineGate, {
    enter: () => Effect.void,
    doubt: () => Effect.void,
    report: () => Effect.void,
    state: (endpoint) => Effect.succeed(viewOf({ endpoint, state: GateStep.initial(0) })),
    changes: Stream.empty
  })
}
