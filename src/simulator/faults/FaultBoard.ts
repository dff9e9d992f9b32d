/**
 * The faults that are in force, and which of them a request has.
 *
 * It decides when; what happens then is done by `perform` (for everybody) or by who serves the request. A server's fault
 * lives in a scope of its own: taking the fault away ends what it began, and so does its time.
 *
 * Laws: which requests have a fault by probability follows from the seed, the prompt and its draw, not from the order of
 * arrival; `times` is never exceeded; a fault that was taken away begins nothing more. What a request has been given is
 * decided when it arrives, and stays.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Alarm } from "../EngineLoop.ts"
import type { Journal } from "../Journal.ts"
import * as SeededRandom from "../SeededRandom.ts"
import { seedOf } from "../SeededRandom.ts"
import { isServerAction, type RequestAction, type ServerAction } from "./FaultAction.ts"
import * as FaultSpecification from "./FaultSpecification.ts"

type Trigger = Extract<RequestAction, { readonly _tag: "Trigger" }>
/** What a request itself has to bear. */
export type OwnAction = Exclude<RequestAction, Trigger | { readonly _tag: "Exempt" }>

/** What a request has from all faults together. */
export interface RequestFaults {
  readonly actions: ReadonlyArray<OwnAction>
  /** They begin what the request triggers. */
  readonly alarms: ReadonlyArray<Alarm>
}

/** A fault in force, as `GET /sim/faults` shows it. */
export interface FaultInForce {
  /** To take it away by. */
  readonly id: number
  /** As it was written. */
  readonly fault: string
  /** How often it has happened. */
  readonly happened: number
}

export interface FaultBoard {
  /** Puts faults in force and returns their ids. */
  readonly add: (
    specifications: ReadonlyArray<FaultSpecification.FaultSpecification>
  ) => Effect.Effect<ReadonlyArray<number>>
  /** Takes a fault away and ends what it began; false: there is none with this id. */
  readonly remove: (id: number) => Effect.Effect<boolean>
  readonly clear: Effect.Effect<void>
  readonly list: Effect.Effect<ReadonlyArray<FaultInForce>>
  /** For the next request; `own`: the faults of its header; `draw`: what its chances depend on. */
  readonly forRequest: (request: {
    readonly id: string
    readonly draw: string
    readonly own: ReadonlyArray<FaultSpecification.FaultSpecification>
  }) => RequestFaults
}

interface InForce {
  readonly id: number
  readonly specification: FaultSpecification.FaultSpecification
  readonly since: number
  /** Of what it begins; a request's fault begins nothing. */
  readonly scope: Scope.Closeable | undefined
  happened: number
  /** A request brought it, and it goes when it is over. */
  readonly brought: boolean
}

export interface FaultBoardOptions {
  readonly seed: number
  readonly journal: Journal
  /** Requests that are open now. */
  readonly openRequests: () => number
  /** Begins what concerns everybody; it ends with the scope. What it does before it first waits, it does at once. */
  readonly perform: (action: ServerAction) => Effect.Effect<void, never, Scope.Scope>
}

const serverActionsOf = (specification: FaultSpecification.FaultSpecification): ReadonlyArray<ServerAction> =>
  specification.entry.actions(specification.values).flatMap((action) =>
    action._tag === "Trigger" ? [action.action] : isServerAction(action) ? [action] : []
  )

/** An empty board; all it begins ends with the scope. */
export const make = Effect.fn("FaultBoard.make")(function*(
  options: FaultBoardOptions
): Effect.fn.Return<FaultBoard, never, Scope.Scope> {
  const { journal, openRequests, perform, seed } = options
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const scope = yield* Effect.scope
  const inForce = new Map<number, InForce>()
  let nextId = 1
  let requests = 0
  const seconds = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e9

  const put = (specification: FaultSpecification.FaultSpecification, brought = false): InForce => {
    const own = specification.entry.scope === "server" ? Scope.forkUnsafe(scope) : undefined
    const fault = { id: nextId++, specification, since: seconds(), scope: own, happened: 0, brought }
    inForce.set(fault.id, fault)
    return fault
  }

  /** Counts one more time; false: it has happened often enough, or was taken away. */
  const happen = (fault: InForce, request: string): boolean => {
    if (!inForce.has(fault.id) || fault.happened >= fault.specification.trigger.times) return false
    fault.happened++
    journal.record(request, "fault", { fault: fault.specification.entry.name })
    return true
  }

  const lasting = (fault: InForce, actions: ReadonlyArray<ServerAction>) =>
    Effect.scoped(Effect.andThen(
      Effect.forEach(actions, perform, { discard: true }),
      fault.specification.trigger.for === Infinity
        ? Effect.never
        : Effect.sleep(Duration.seconds(fault.specification.trigger.for))
    ))

  /** At once: the engine must not make another step before. */
  const begin = (fault: InForce, action: ServerAction, request: string) => {
    if (fault.scope === undefined || !happen(fault, request)) return
    const over = Effect.sync(() => {
      if (fault.brought) inForce.delete(fault.id)
    })
    runFork(Effect.forkIn(Effect.andThen(lasting(fault, [action]), over), fault.scope, { startImmediately: true }))
  }

  const concerns = (fault: InForce, number: number, draw: string): boolean => {
    const { entry, trigger, withRequest } = fault.specification
    const age = seconds() - fault.since
    const from = trigger.from ?? 0
    // A server's fault has its own way to last.
    const until = entry.scope === "server" && withRequest ? Infinity : from + trigger.for
    if (age < from || age >= until) return false
    if (trigger.requests !== undefined && (number < trigger.requests[0] || number > trigger.requests[1])) return false
    if (trigger.probability >= 1) return true
    return SeededRandom.make(seedOf(seed, "fault", fault.id, draw)).uniform() < trigger.probability
  }

  const give = (fault: InForce, request: string, faults: { actions: Array<OwnAction>; alarms: Array<Alarm> }) => {
    const { entry, values, withRequest } = fault.specification
    if (entry.scope === "request" && !happen(fault, request)) return
    for (const action of entry.actions(values)) {
      if (action._tag === "Trigger") {
        if (!withRequest) continue
        faults.alarms.push({
          when: action.when,
          ring: () => {
            if (openRequests() >= (action.openRequests ?? 0)) begin(fault, action.action, request)
          }
        })
      } else if (isServerAction(action)) {
        if (withRequest) begin(fault, action, request)
      } else if (action._tag !== "Exempt") faults.actions.push(action)
    }
  }

  const withTime = (fault: InForce) => {
    const begun = Effect.suspend(() =>
      happen(fault, "server") ? lasting(fault, serverActionsOf(fault.specification)) : Effect.void
    )
    const from = fault.specification.trigger.from ?? 0
    return from === 0 ? begun : Effect.delay(begun, Duration.seconds(from))
  }

  const remove = (id: number) =>
    Effect.suspend(() => {
      const fault = inForce.get(id)
      inForce.delete(id)
      const end = fault?.scope === undefined ? Effect.void : Scope.close(fault.scope, Exit.void)
      return Effect.as(end, fault !== undefined)
    })

  return {
    add: (specifications) =>
      Effect.forEach(specifications, (specification) => {
        const fault = put(specification)
        const begun = fault.scope !== undefined && !specification.withRequest
          ? Effect.asVoid(Effect.forkIn(withTime(fault), fault.scope, { startImmediately: true }))
          : Effect.void
        return Effect.as(begun, fault.id)
      }),
    remove,
    clear: Effect.suspend(() => Effect.forEach(Array.from(inForce.keys()), remove, { discard: true })),
    list: Effect.sync(() =>
      Array.from(inForce.values(), ({ happened, id, specification }) => ({ id, fault: specification.text, happened }))
    ),
    forRequest: ({ draw, id, own }) => {
      requests++
      const faults = { actions: new Array<OwnAction>(), alarms: new Array<Alarm>() }
      const exempt = own.some(({ entry, values }) => entry.actions(values).some(({ _tag }) => _tag === "Exempt"))
      const before = exempt ? [] : Array.from(inForce.values())
      for (const fault of before) if (concerns(fault, requests, draw)) give(fault, id, faults)
      for (const specification of own) {
        // A server's fault outlives the request that brought it.
        const fault = put({
          ...specification,
          withRequest: true,
          trigger: { ...specification.trigger, requests: [0, 0] }
        }, true)
        give(fault, id, faults)
        if (specification.entry.scope === "request") inForce.delete(fault.id)
      }
      return faults
    }
  }
})
