/**
 * Wrong reducers, one for each thing that a law forbids: the kit must notice every one of them.
 *
 * Each is what somebody might really write: a clock that is not monotonic, a comment that counts as a token, a verdict
 * that is taken back. All but one wrap our own reducer, so everything else in them is right.
 */
import type * as Input from "../../src/liveness/LivenessInput.ts"
import type { RunState } from "../../src/liveness/RunState.ts"
import { frame } from "../../src/testing/inputs.ts"
import { type Reducer, reducer } from "../../src/testing/Reducer.ts"

type Step = Reducer["step"]

const of = (step: Step): Reducer => ({ ...reducer, step })

/** The same reducer, told something else. */
const told = (change: (input: Input.LivenessInput, state: RunState) => Input.LivenessInput): Reducer =>
  of((state, input) => reducer.step(state, change(input, state)))

/** The same reducer, with a change to what comes out. */
const after = (change: (next: RunState, input: Input.LivenessInput, before: RunState) => RunState): Reducer =>
  of((state, input) => change(reducer.step(state, input), input, state))

const scraped = (change: (sample: Exclude<Input.Scrape["outcome"], string>) => Input.Scrape["outcome"]): Reducer =>
  told((input) =>
    input._tag === "Scrape" && typeof input.outcome !== "string" ? { ...input, outcome: change(input.outcome) } : input
  )

/** What is wrong, and which laws must say so. */
export const brokenReducers: Record<string, { readonly reducer: Reducer; readonly laws: ReadonlyArray<string> }> = {
  "gives up before the floor": {
    reducer: {
      ...reducer,
      initial: (limits) => reducer.initial({ ...limits, suspectFloorMillis: 1, suspectPriorMillis: 1 })
    },
    laws: ["gaps below the floor", "the reference model"]
  },
  "waits a minute longer without evidence": {
    reducer: {
      ...reducer,
      initial: (limits) =>
        reducer.initial({
          ...limits,
          silentFloorMillis: limits.silentFloorMillis + 60_000,
          silentCeilingMillis: limits.silentCeilingMillis + 60_000,
          firstTokenFloorMillis: limits.firstTokenFloorMillis + 60_000,
          firstTokenCeilingMillis: limits.firstTokenCeilingMillis + 60_000
        })
    },
    laws: ["silence without evidence", "silence before the first token"]
  },
  "takes a verdict back": {
    reducer: of((state, input) =>
      reducer.step(input._tag === "Frame" ? { ...state, outcome: undefined } : state, input)
    ),
    laws: ["one final verdict"]
  },
  "does not believe metrics": {
    reducer: told((input) => input._tag === "Opened" ? { ...input, binding: "refuted" } : input),
    laws: ["a frozen engine", "evidence that advances", "fault: hang", "fault: crash", "fault: lost request"]
  },
  "believes any metrics": {
    reducer: told((input) => input._tag === "Opened" ? { ...input, binding: "proven" } : input),
    laws: ["metrics of another replica"]
  },
  "counts tokens of the metrics": {
    reducer: of((state, input) => {
      const next = reducer.step(state, input)
      return input._tag === "Scrape"
        ? { ...next, progress: { ...next.progress, counted: next.progress.counted + 1 } }
        : next
    }),
    laws: ["tokens without metrics"]
  },
  "takes comments for tokens": {
    reducer: told((input) => input._tag === "TransportOnly" ? frame(input.at, { tokens: 0, text: true }) : input),
    laws: ["noise"]
  },
  "counts chunks": {
    reducer: told((input) => input._tag === "Frame" && input.tokens > 1 ? { ...input, tokens: 1 } : input),
    laws: ["chunks"]
  },
  "stays slow": {
    reducer: after((next, input, before) => input._tag === "Frame" ? { ...next, slow: before.slow } : next),
    laws: ["slow is not final"]
  },
  "loses patience with patience": {
    reducer: {
      ...reducer,
      initial: (limits) =>
        reducer.initial(limits.silentFloorMillis > 200_000 ? { ...limits, silentCeilingMillis: 100_000 } : limits)
    },
    laws: ["a larger limit"]
  },
  "takes a constant count for life": {
    reducer: told((input) => input._tag === "Frame" && input.usage !== null ? { ...input, text: true } : input),
    laws: ["counts"]
  },
  "knows the wall clock": {
    reducer: after((next, { at, _tag }) =>
      _tag === "Tick" && Math.abs(at) > 1e8 && next.clock !== undefined
        ? { ...next, clock: { ...next.clock, lostMillis: next.clock.lostMillis - 1000 } }
        : next
    ),
    laws: ["a shift"]
  },
  "knows no pause of its own": {
    reducer: { ...reducer, initial: (limits) => reducer.initial({ ...limits, localPauseMillis: 1e12 }) },
    laws: ["a late tick"]
  },
  "counts while nobody reads": {
    reducer: told((input) => input._tag === "Reading" ? { _tag: "TransportOnly", at: input.at } : input),
    laws: ["a consumer that does not read"]
  },
  "lets time run back": {
    reducer: after((next, input, before) =>
      before.clock !== undefined && next.clock !== undefined && input.at < before.clock.atMillis
        ? { ...next, clock: { ...next.clock, atMillis: input.at } }
        : next
    ),
    laws: ["time that runs back"]
  },
  "condemns at one glance": {
    reducer: of((state, input) => {
      const next = reducer.step(state, input)
      return next.condemned && next.outcome === undefined ? reducer.step(next, input) : next
    }),
    laws: ["one instant"]
  },
  "completes with [DONE]": {
    reducer: told((input) =>
      input._tag === "Ended" && input.how === "done" ? frame(input.at, { finishReason: "stop" }) : input
    ),
    laws: ["an end without a finish reason"]
  },
  "fails after the finish": {
    reducer: of((state, input) =>
      reducer.step(input._tag === "Ended" ? { ...state, finish: undefined } : state, input)
    ),
    laws: ["after the finish reason"]
  },
  "cannot take a number that is none": {
    reducer: of((state, input) => {
      // oxlint-disable-next-line typescript/only-throw-error -- what a program throws that is broken
      if (Number.isNaN(input.at)) throw "no time"
      return reducer.step(state, input)
    }),
    laws: ["all inputs"]
  },
  "is as patient at every hop": {
    reducer: told((input) => input._tag === "Opened" ? { ...input, run: { ...input.run, hop: "engine" } } : input),
    laws: ["nested limits"]
  },
  "does not hear heartbeats": {
    reducer: told((input) => input._tag === "Heartbeat" ? { _tag: "TransportOnly", at: input.at } : input),
    laws: ["an agent that vouches"]
  },
  "waits for agents for ever": {
    reducer: told((input) =>
      input._tag === "Opened" && input.heartbeatMillis !== undefined ?
        { ...input, heartbeatMillis: 1e9 } :
        input._tag === "Heartbeat"
        ? { ...input, intervalMillis: 1e9 }
        : input
    ),
    laws: ["an agent that falls silent"]
  },
  "sees no decoding": {
    reducer: scraped((sample) => ({ ...sample, decodeOutputs: null })),
    laws: ["fault: decode hang", "the reference model"]
  },
  "sees every engine empty": {
    reducer: scraped((sample) => ({ ...sample, running: 0, waiting: 0 })),
    laws: ["evidence that advances", "the reference model"]
  },
  "sees no other process": {
    reducer: scraped((sample) => ({
      ...sample,
      startedAtSeconds: 1,
      heartbeat: `${Math.trunc(Number(sample.decodeOutputs))}`,
      generationTokens: 1e9,
      promptTokens: 0,
      decodeOutputs: 1e9,
      firstTokens: 0,
      finished: 0
    })),
    laws: ["fault: restart"]
  },
  "sees nothing deferred": {
    reducer: scraped((sample) => ({ ...sample, deferred: 0 })),
    laws: ["fault: deferred for ever"]
  },
  "takes no connection for refused": {
    reducer: told((input) =>
      input._tag === "Scrape" && input.outcome === "refused" ? { ...input, outcome: "failed" } : input
    ),
    laws: ["fault: crash"]
  },
  "does not ask for health": {
    reducer: told((input) => input._tag === "Health" ? { ...input, status: 200 } : input),
    laws: ["the reference model"]
  },
  "never gives up what it was not sent": {
    reducer: { ...reducer, initial: (limits) => reducer.initial({ ...limits, frozenEmptyMillis: 1e9 }) },
    laws: ["fault: never taken"]
  },
  "takes every gauge for requests": {
    reducer: scraped((sample) => ({ ...sample, running: 9 })),
    laws: ["fault: empty hang", "fault: lost request"]
  },
  "survives an end": {
    reducer: of((state, input) => input._tag === "Ended" ? state : reducer.step(state, input)),
    laws: ["fault: network break", "fault: cut answer", "fault: engine error"]
  },
  "does not know that a server is sick": {
    reducer: { ...reducer, initial: (limits) => reducer.initial({ ...limits, unhealthyMillis: 1e9 }) },
    laws: ["fault: sick server"]
  }
}
